package contexts

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/net/http/httpguts"

	"dray/backend/client"
)

// Token returns the token to send, by the rules of Ray's own client: one is
// sent only when RAY_AUTH_MODE is "token" in this environment. source says
// where it is from. Neither is set when there is none to send.
func Token(getenv func(string) string, home string) (token, source string, err error) {
	if !strings.EqualFold(strings.TrimSpace(getenv("RAY_AUTH_MODE")), "token") {
		return "", "", nil
	}
	return FindToken(getenv, home)
}

// FindToken looks for a token whatever RAY_AUTH_MODE says: RAY_AUTH_TOKEN,
// the first line of the file that RAY_AUTH_TOKEN_PATH names, then
// ~/.ray/auth_token. source is the variable's name or the file's path. A file
// that is named and cannot be read, or holds nothing, is an error.
func FindToken(getenv func(string) string, home string) (token, source string, err error) {
	const envToken, envPath = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
	if token := strings.TrimSpace(getenv(envToken)); token != "" {
		return checked(token, envToken)
	}
	if path := getenv(envPath); path != "" {
		token, err := tokenFile(path)
		if err != nil {
			return "", "", fmt.Errorf("%s: the token file %s cannot be read: %w", envPath, path, err)
		}
		if token == "" {
			return "", "", fmt.Errorf("%s: the token file %s is empty: put the token on its first line", envPath, path)
		}
		return checked(token, path)
	}
	if home == "" {
		return "", "", nil
	}
	path := filepath.Join(home, ".ray", "auth_token")
	token, err = tokenFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", "", nil
	case err != nil:
		return "", "", fmt.Errorf("the token file %s cannot be read: %w", path, err)
	case token == "":
		return "", "", nil
	}
	return checked(token, path)
}

func tokenFile(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		var perr *os.PathError
		if errors.As(err, &perr) {
			return "", perr.Err // the path is said already
		}
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(line), nil
}

// checked refuses a token that no header can carry, without showing it.
func checked(token, source string) (string, string, error) {
	if !httpguts.ValidHeaderFieldValue(token) || strings.ContainsAny(token, " \t") {
		return "", "", fmt.Errorf("the token in %s holds characters that a header cannot carry: it must be one word", source)
	}
	return token, source, nil
}

// Headers returns the headers that RAY_JOB_HEADERS asks to send with every
// request, or nil. It is a JSON object of strings.
func Headers(getenv func(string) string) (http.Header, error) {
	text := strings.TrimSpace(getenv(envHeaders))
	if text == "" {
		return nil, nil
	}
	var fields map[string]string
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		// The parser's error may quote a secret.
		return nil, errors.New(envHeaders + ` is not a JSON object of strings: write it as {"Name": "value"}`)
	}
	h := make(http.Header, len(fields))
	for name, value := range fields {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("%s: %q is not a header that can be sent", envHeaders, name)
		}
		h.Set(name, value)
	}
	return h, nil
}

// Endpoint returns how a client reaches a target that is not embedded: as the
// config file says of its cluster, else with the token and headers that the
// environment asks for. An Authorization among the headers wins over the token.
func Endpoint(t Target, getenv func(string) string) (client.Endpoint, error) {
	if t.Embedded {
		return client.Endpoint{}, errors.New("the embedded backend has no address: open it")
	}
	if t.Cluster != nil {
		return t.Cluster.endpoint(t, getenv)
	}
	headers, err := Headers(getenv)
	if err != nil {
		return client.Endpoint{}, err
	}
	token, _, err := Token(getenv, homeOf(getenv))
	if err != nil {
		return client.Endpoint{}, err
	}
	return client.Endpoint{BaseURL: t.URL, Header: headers, Token: token}, nil
}
