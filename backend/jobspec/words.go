package jobspec

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// word is one word of a command line.
type word struct {
	text   string
	expand bool // a shell would have replaced a part of it
}

// splitter cuts a command line as a POSIX shell does, without running anything
// in it.
type splitter struct {
	rest  string
	words []word
	cur   strings.Builder
	in    bool // a word has begun
	exp   bool
}

// errQuote says that a text is no whole command line.
var errQuote = errors.New("a quote is not closed")

// split returns the words of the first command in line, and what follows it
// after an operator of the shell: a pipe, a redirection, a second command.
func split(line string) (words []word, after string, err error) {
	s := splitter{rest: line}
	for s.rest != "" {
		stop, err := s.step()
		if err != nil {
			return nil, "", err
		}
		if stop {
			break
		}
	}
	s.end()
	return s.words, strings.TrimSpace(s.rest), nil
}

func (s *splitter) end() {
	if s.in {
		s.words = append(s.words, word{s.cur.String(), s.exp})
	}
	s.cur.Reset()
	s.in, s.exp = false, false
}

func (s *splitter) take() byte {
	c := s.rest[0]
	s.rest = s.rest[1:]
	return c
}

func (s *splitter) add(c byte) {
	s.in = true
	s.cur.WriteByte(c)
}

// step reads what begins at the next byte; stop is the end of the command.
func (s *splitter) step() (stop bool, err error) {
	c := s.take()
	switch c {
	case ' ', '\t':
		s.end()
	case '\r':
		if !strings.HasPrefix(s.rest, "\n") { // a line that ends as on Windows
			s.add(c)
		}
	case '\n', ';', '|', '&', '<', '>':
		if c == '\n' && !s.in && len(s.words) == 0 {
			return false, nil
		}
		if (c == '<' || c == '>') && strings.Trim(s.cur.String(), "0123456789") == "" {
			s.cur.Reset() // the number of a redirection
			s.in = false
		}
		if c != '\n' {
			s.rest = string(c) + s.rest
		}
		return true, nil
	case '#':
		if s.in {
			s.add(c)
			return false, nil
		}
		_, s.rest, _ = strings.Cut(s.rest, "\n")
		s.rest = "\n" + s.rest
	case '\'':
		return false, s.single()
	case '"':
		return false, s.double()
	case '\\':
		s.backslash()
	case '$':
		if strings.HasPrefix(s.rest, "'") {
			s.take()
			return false, s.ansi()
		}
		s.dollar()
	case '`':
		s.exp = true
		s.add(c)
	default:
		s.add(c)
	}
	return false, nil
}

func (s *splitter) backslash() {
	switch {
	case s.rest == "":
		s.add('\\')
	case s.rest[0] == '\n':
		s.take()
	case strings.HasPrefix(s.rest, "\r\n"):
		s.rest = s.rest[2:]
	default:
		s.add(s.take())
	}
}

// dollar notes whether a shell would expand what follows.
func (s *splitter) dollar() {
	if s.rest != "" && (s.rest[0] == '{' || s.rest[0] == '(' || s.rest[0] == '_' || s.rest[0] >= '0' && s.rest[0] <= '9' ||
		s.rest[0]|0x20 >= 'a' && s.rest[0]|0x20 <= 'z' || strings.IndexByte("?$!@*#", s.rest[0]) >= 0) {
		s.exp = true
	}
	s.add('$')
}

func (s *splitter) single() error {
	text, rest, ok := strings.Cut(s.rest, "'")
	if !ok {
		return errQuote
	}
	s.in, s.rest = true, rest
	s.cur.WriteString(text)
	return nil
}

func (s *splitter) double() error {
	s.in = true
	for s.rest != "" {
		switch c := s.take(); {
		case c == '"':
			return nil
		case c == '\\' && s.rest != "" && strings.IndexByte("$`\"\\", s.rest[0]) >= 0:
			s.add(s.take())
		case c == '\\' && strings.HasPrefix(s.rest, "\n"):
			s.take()
		case c == '$':
			s.dollar()
		case c == '`':
			s.exp = true
			s.add(c)
		default:
			s.add(c)
		}
	}
	return errQuote
}

// ansi reads $'…', which bash and zsh know.
func (s *splitter) ansi() error {
	s.in = true
	for s.rest != "" {
		c := s.take()
		if c == '\'' {
			return nil
		}
		if c != '\\' || s.rest == "" {
			s.add(c)
			continue
		}
		s.escape()
	}
	return errQuote
}

func (s *splitter) escape() {
	c := s.take()
	number := func(base, most int) {
		n := 0
		for n < most && n < len(s.rest) {
			if _, err := strconv.ParseUint(s.rest[n:n+1], base, 8); err != nil {
				break
			}
			n++
		}
		v, _ := strconv.ParseUint(s.rest[:n], base, 32)
		s.rest = s.rest[n:]
		if most > 3 {
			s.cur.Write(utf8.AppendRune(nil, rune(v))) //nolint:gosec // at most eight digits, and what is no rune becomes the sign for it
			return
		}
		s.add(byte(v)) //nolint:gosec // as a shell does, the low eight bits
	}
	switch c {
	case 'x':
		number(16, 2)
	case 'u':
		number(16, 4)
	case 'U':
		number(16, 8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		s.rest = string(c) + s.rest
		number(8, 3)
	default:
		if i := strings.IndexByte("abeEfnrtv", c); i >= 0 {
			c = "\a\b\x1b\x1b\f\n\r\t\v"[i]
		}
		s.add(c)
	}
}
