package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// readText reads the field through reads of a given kind.
func readText(in io.Reader) (string, error) {
	t := newJSONText(in)
	var b strings.Builder
	for {
		text, err := t.next()
		b.Write(text)
		if err != nil {
			if _, again := t.next(); again != err { //nolint:errorlint // the very same
				return b.String(), fmt.Errorf("%q, and then %q", err.Error(), again.Error())
			}
			return b.String(), err
		}
	}
}

// hiccup reads random small pieces.
type hiccup struct {
	r   io.Reader
	rng *rand.Rand
}

func (h hiccup) Read(p []byte) (int, error) {
	return h.r.Read(p[:min(len(p), 1+h.rng.IntN(40))])
}

func readings(doc []byte) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":    bytes.NewReader(doc),
		"bytewise": iotest.OneByteReader(bytes.NewReader(doc)),
		"pieces":   hiccup{bytes.NewReader(doc), rand.New(rand.NewPCG(uint64(len(doc)), 2))},
		"data+EOF": iotest.DataErrReader(bytes.NewReader(doc)),
	}
}

func TestJSONText_documents(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, doc string }{
		{"plain", `{"logs": "abc"}`},
		{"empty", `{"logs":""}`},
		{"null", `{"logs":null}`},
		{"escapes", `{"logs":"\"\\\/\b\f\n\r\t\u00e9\u20AC"}`},
		{"pair", `{"logs":"\ud83d\ude42!"}`},
		{"lone high", `{"logs":"\ud83dx"}`},
		{"lone low", `{"logs":"\ude42"}`},
		{"two highs", `{"logs":"\ud83d\ud83d\ude42"}`},
		{"high at the end", `{"logs":"\ud83d"}`},
		{"high before another escape", `{"logs":"\ud83d\n"}`},
		{"raw UTF-8", `{"logs":"é€🙂"}`},
		{"not UTF-8", "{\"logs\":\"a\xff\xc3b\xe2\x82\"}"},
		{"other fields", `{"a":{"logs":"no","b":[1,"}",{"c":"\""}]},"n":-1.5e3,"t":true,"logs":"yes","z":[],"y":null}`},
		{"white space", " \r\n{ \"logs\"\t:\n\"x\" } \n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want struct{ Logs string }
			if err := json.Unmarshal([]byte(tt.doc), &want); err != nil {
				t.Fatal(err)
			}
			for how, in := range readings([]byte(tt.doc)) {
				if got, err := readText(in); got != want.Logs || !errors.Is(err, io.EOF) {
					t.Errorf("%s: got %q, %v; want %q, EOF", how, got, err, want.Logs)
				}
			}
		})
	}
}

func TestJSONText_errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, doc string
		want      error
	}{
		{"nothing", ``, io.ErrUnexpectedEOF},
		{"cut in the text", `{"logs":"abc`, io.ErrUnexpectedEOF},
		{"cut in an escape", `{"logs":"abc\u00`, io.ErrUnexpectedEOF},
		{"cut behind the text", `{"logs":"abc"`, io.ErrUnexpectedEOF},
		{"array", `["logs"]`, errJSON},
		{"no such field", `{"log":"x"}`, errJSON},
		{"not a string", `{"logs":7}`, errJSON},
		{"control character", "{\"logs\":\"a\nb\"}", errJSON},
		{"unknown escape", `{"logs":"\x41"}`, errJSON},
		{"broken hex", `{"logs":"\u00zz"}`, errJSON},
		{"twice", `{"logs":"a","logs":"b"}`, errJSON},
		{"more behind it", `{"logs":"a"}{`, errJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for how, in := range readings([]byte(tt.doc)) {
				if got, err := readText(in); !errors.Is(err, tt.want) {
					t.Errorf("%s: got %q, %v; want %v", how, got, err, tt.want)
				}
			}
		})
	}
}

// TestJSONText_everySplit cuts texts around the buffer's size at every place.
func TestJSONText_everySplit(t *testing.T) {
	t.Parallel()
	unit := `\n\ud83d\ude42é🙂` + "\xff" + `x`
	for pad := range 40 {
		doc := []byte(`{"logs":"` + strings.Repeat("p", textBuffer-30+pad) + strings.Repeat(unit, 1200) + `"}`)
		var want struct{ Logs string }
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatal(err)
		}
		if got, err := readText(bytes.NewReader(doc)); got != want.Logs || !errors.Is(err, io.EOF) {
			t.Fatalf("padding %d: %d bytes and %v, want %d", pad, len(got), err, len(want.Logs))
		}
	}
}

func FuzzJSONText(f *testing.F) {
	f.Add(`"a\ud83d\ude42\n"`)
	f.Add(`"\ud83d`)
	f.Add("\"\xf0\x9f\"")
	f.Fuzz(func(t *testing.T, value string) {
		doc := []byte(`{"logs":` + value + `}`)
		var want struct {
			Logs *string `json:"logs"`
		}
		wantErr := json.Unmarshal(doc, &want)
		for how, in := range readings(doc) {
			got, err := readText(in)
			switch {
			case wantErr == nil && want.Logs != nil && (got != *want.Logs || !errors.Is(err, io.EOF)):
				t.Errorf("%s: %q gives %q, %v; encoding/json %q", how, doc, got, err, *want.Logs)
			case wantErr != nil && errors.Is(err, io.EOF) && !strings.Contains(value, ","):
				t.Errorf("%s: %q gives %q, encoding/json %v", how, doc, got, wantErr)
			}
		}
	})
}

// TestJSONText_allocations: a log may be larger than memory.
func TestJSONText_allocations(t *testing.T) {
	doc := mustJSON(map[string]string{"logs": strings.Repeat("a line of a log\n", 1<<18)})
	allocs := testing.AllocsPerRun(3, func() {
		text := newJSONText(bytes.NewReader(doc))
		for {
			if _, err := text.next(); err != nil {
				return
			}
		}
	})
	if allocs > 20 {
		t.Errorf("%g allocations for 4 MiB of log, want a handful", allocs)
	}
}

func BenchmarkJSONText(b *testing.B) {
	doc := mustJSON(map[string]string{"logs": strings.Repeat("a line of a log, as long as they often are, with some text\n", 1<<18)})
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		text := newJSONText(bytes.NewReader(doc))
		for {
			if _, err := text.next(); err != nil {
				break
			}
		}
	}
}
