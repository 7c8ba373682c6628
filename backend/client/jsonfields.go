package client

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// byteOf returns the next byte that is no white space, and consumes it.
func (t *jsonText) byteOf() (byte, error) {
	for {
		b, err := t.rawByte()
		if err != nil || !isBlank(b) {
			return b, err
		}
	}
}

func (t *jsonText) rawByte() (byte, error) {
	if t.pos == len(t.buf) {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	b := t.buf[t.pos]
	t.pos++
	return b, nil
}

func isBlank(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }

func (t *jsonText) expect(want byte) error {
	b, err := t.byteOf()
	if err == nil && b != want {
		err = fmt.Errorf("%w: %q instead of %q", errJSON, b, want)
	}
	return err
}

// findField reads up to the first byte of the field's text.
func (t *jsonText) findField() error {
	if err := t.expect('{'); err != nil {
		return err
	}
	for {
		if err := t.expect('"'); err != nil {
			return err
		}
		name, err := t.name()
		if err != nil {
			return err
		}
		if err := t.expect(':'); err != nil {
			return err
		}
		b, err := t.byteOf()
		if err != nil {
			return err
		}
		if name == textField {
			return t.enter(b)
		}
		if err := t.skip(b); err != nil {
			return err
		}
		if err := t.expect(','); err != nil { // at '}' the field is missing
			return err
		}
	}
}

func (t *jsonText) enter(b byte) error {
	switch b {
	case '"':
		t.state = inField
		return nil
	case 'n':
		t.state = afterField
		return t.literal("ull")
	}
	return fmt.Errorf("%w: %q is not a string", errJSON, textField)
}

func (t *jsonText) literal(rest string) error {
	for _, want := range []byte(rest) {
		if b, err := t.rawByte(); err != nil || b != want {
			return errors.Join(errJSON, err)
		}
	}
	return nil
}

// name reads a field's name behind its opening quote. A name with escapes is
// none that we look for.
func (t *jsonText) name() (string, error) {
	var name []byte
	for {
		b, err := t.rawByte()
		if err != nil || b == '"' {
			return string(name), err
		}
		if b == '\\' {
			if _, err := t.rawByte(); err != nil {
				return "", err
			}
		}
		if len(name) <= len(textField) {
			name = append(name, b)
		}
	}
}

// skip passes over the value that begins with b.
func (t *jsonText) skip(b byte) error {
	depth := 0
	for {
		switch b {
		case '"':
			if _, err := t.name(); err != nil {
				return err
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth <= 0 && (strings.IndexByte(`"}]`, b) >= 0 || t.atEnd()) {
			return nil
		}
		var err error
		if b, err = t.byteOf(); err != nil {
			return err
		}
	}
}

// atEnd reports whether a number or literal ends before the next byte.
func (t *jsonText) atEnd() bool {
	if t.pos == len(t.buf) && t.fill() != nil {
		return false // the next read says why
	}
	b := t.buf[t.pos]
	return b == ',' || b == '}' || isBlank(b)
}

// finish reads what follows the field. Only an object that is whole proves
// that the text was.
func (t *jsonText) finish() error {
	for {
		b, err := t.byteOf()
		if err != nil {
			return err
		}
		if b == '}' {
			break
		}
		if b != ',' {
			return fmt.Errorf("%w: %q after a value", errJSON, b)
		}
		if err := t.skipField(); err != nil {
			return err
		}
	}
	if err := t.trailing(); err != nil {
		return err
	}
	return io.EOF
}

func (t *jsonText) skipField() error {
	if err := t.expect('"'); err != nil {
		return err
	}
	name, err := t.name()
	if err != nil {
		return err
	}
	if name == textField {
		return fmt.Errorf("%w: %q comes twice", errJSON, name)
	}
	if err := t.expect(':'); err != nil {
		return err
	}
	b, err := t.byteOf()
	if err != nil {
		return err
	}
	return t.skip(b)
}

func (t *jsonText) trailing() error {
	b, err := t.byteOf()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && errors.Is(t.err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: %q after the object", errJSON, b)
}
