package server

import (
	"errors"
	"net/http"
	"strings"
)

// envelope is around the answers of Ray's dashboard.
type envelope struct {
	Result bool   `json:"result"`
	Msg    string `json:"msg"`
	Data   any    `json:"data"`
}

func sendData(w http.ResponseWriter, msg string, data any) error {
	return sendJSON(w, envelope{Result: true, Msg: msg, Data: data})
}

// sendRefusal answers a request that breaks a rule, as Ray's state API does.
func sendRefusal(w http.ResponseWriter, status int, msg string) error {
	body := envelope{Msg: msg, Data: map[string]any{"result": nil}}
	return sendJSONStatus(w, status, body)
}

// inEnvelope answers an error that knows its status in the envelope, and hands
// on any other.
func inEnvelope(w http.ResponseWriter, err error) error {
	var known *statusError
	if !errors.As(err, &known) {
		return err
	}
	return sendRefusal(w, known.status, known.text)
}

// camel spells a name as Ray's dashboard does outside the state API:
// object_store_memory becomes objectStoreMemory, my_GPU myGpu.
func camel(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	var b strings.Builder
	b.WriteString(first)
	for part := range strings.SplitSeq(rest, "_") {
		b.WriteString(title(part))
	}
	return b.String()
}

// title makes the first letter after anything else a capital and all others
// small.
func title(s string) string {
	b := []byte(s)
	inWord := false
	for i, c := range b {
		isLower, isUpper := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z'
		switch {
		case isLower && !inWord:
			b[i] = c - 'a' + 'A'
		case isUpper && inWord:
			b[i] = c - 'A' + 'a'
		}
		inWord = isLower || isUpper
	}
	return string(b)
}

func camelKeys[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[camel(k)] = v
	}
	return out
}
