package shellwords

import (
	"errors"
	"strings"
)

// ErrUnclosed is the error of a text that a shell would wait to be ended.
var ErrUnclosed = errors.New("a quote is not closed")

// Split takes shell text apart into words as a POSIX shell sees them before it
// expands anything: quotes and backslashes go, a backslash at a line's end
// joins it to the next, and what stands after a # that begins a word is a
// comment. Of $'…', which other shells know, the common escapes are read.
// Unquoted operators (; & | < > ( ) and a line break) are words of their own,
// which Operator tells from quoted ones.
func Split(text string) ([]string, error) {
	words, err := split(text)
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.Text
	}
	return out, err
}

// Word is one word of a shell text.
type Word struct {
	Text     string
	Operator bool // it stands for itself: && | ;
	// Expands: it holds a $ or a ` that a shell would expand.
	Expands bool
	End     int // offset in the text after the word
}

// Words is Split with what is lost by it.
func Words(text string) ([]Word, error) { return split(text) }

type splitter struct {
	text  string
	at    int
	words []Word
	b     strings.Builder
	in    bool // a word has begun, perhaps an empty one
	grows bool
}

func split(text string) ([]Word, error) {
	s := splitter{text: text}
	for s.at < len(text) {
		if err := s.step(text[s.at]); err != nil {
			return s.words, err
		}
	}
	s.end()
	return s.words, nil
}

func (s *splitter) end() {
	if s.in {
		s.words = append(s.words, Word{Text: s.b.String(), Expands: s.grows, End: s.at})
	}
	s.b.Reset()
	s.in, s.grows = false, false
}

func (s *splitter) step(c byte) error {
	switch {
	case c == '\\':
		s.backslash()
	case c == '\'':
		return s.single()
	case c == '"':
		return s.double()
	case c == '$' && strings.HasPrefix(s.text[s.at:], "$'"):
		return s.ansi()
	case c == ' ' || c == '\t' || c == '\r':
		s.end()
		s.at++
	case c == '#' && !s.in:
		if n := strings.IndexByte(s.text[s.at:], '\n'); n >= 0 {
			s.at += n
			return nil
		}
		s.at = len(s.text)
	case strings.IndexByte(";&|<>()\n", c) >= 0:
		s.end()
		from := s.at
		for s.at++; s.at < len(s.text) && s.text[s.at] == c && c != '(' && c != ')' && c != '\n'; s.at++ {
		}
		s.words = append(s.words, Word{Text: s.text[from:s.at], Operator: true, End: s.at})
	default:
		s.grows = s.grows || c == '$' || c == '`'
		s.put(c)
	}
	return nil
}

func (s *splitter) put(c byte) {
	s.b.WriteByte(c)
	s.in = true
	s.at++
}

func (s *splitter) backslash() {
	rest := s.text[s.at+1:]
	switch {
	case strings.HasPrefix(rest, "\r\n"):
		s.at += 3
	case strings.HasPrefix(rest, "\n"):
		s.at += 2
	case rest == "":
		s.put('\\')
	default:
		s.at++
		s.put(rest[0])
	}
}

func (s *splitter) single() error {
	end := strings.IndexByte(s.text[s.at+1:], '\'')
	if end < 0 {
		return ErrUnclosed
	}
	s.b.WriteString(s.text[s.at+1 : s.at+1+end])
	s.in = true
	s.at += end + 2
	return nil
}

func (s *splitter) double() error {
	s.in = true
	for s.at++; s.at < len(s.text); {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c == '\\' && s.at+1 < len(s.text) && strings.IndexByte("$`\"\\\n", s.text[s.at+1]) >= 0:
			if s.text[s.at+1] != '\n' {
				s.b.WriteByte(s.text[s.at+1])
			}
			s.at += 2
		default:
			s.grows = s.grows || c == '$' || c == '`'
			s.put(c)
		}
	}
	return ErrUnclosed
}

func (s *splitter) ansi() error {
	s.in = true
	escapes := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'e': "\x1b"}
	for s.at += 2; s.at < len(s.text); {
		switch c := s.text[s.at]; {
		case c == '\'':
			s.at++
			return nil
		case c == '\\' && s.at+1 < len(s.text):
			if e, ok := escapes[s.text[s.at+1]]; ok {
				s.b.WriteString(e)
			} else {
				s.b.WriteString(s.text[s.at : s.at+2])
			}
			s.at += 2
		default:
			s.put(c)
		}
	}
	return ErrUnclosed
}
