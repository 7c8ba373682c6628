package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"
)

// tailBlock is how much Tail reads at a time, going backwards.
const tailBlock = 8 << 10

// Tail returns the last lines of the file at path, and of these at most the
// last chars characters, as valid UTF-8. A line keeps its newline. It reads
// from the end, so the size of the file does not matter. A missing file is
// empty.
func Tail(path string, lines, chars int) (string, error) {
	if lines <= 0 || chars <= 0 {
		return "", nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("open log: %w", err)
	}
	defer f.Close()
	end, err := readEnd(f, lines, chars)
	if err != nil {
		return "", fmt.Errorf("read the end of log: %w", err)
	}
	var t Text
	text := t.Flush(t.Append(nil, lastLines(end, lines)))
	return string(lastChars(text, chars)), nil
}

// readEnd returns the end of f: enough for the last lines, or for the last
// chars characters if those are fewer bytes.
func readEnd(f *os.File, lines, chars int) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	enough := int64(chars+1) * utf8.UTFMax
	var blocks [][]byte
	var total int64
	newlines := 0
	for off := info.Size(); off > 0 && total < enough && newlines <= lines; {
		n := min(off, tailBlock)
		off -= n
		block := make([]byte, n)
		if _, err := f.ReadAt(block, off); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		blocks = append(blocks, block)
		total += n
		newlines += bytes.Count(block, []byte{'\n'})
	}
	out := make([]byte, 0, total)
	for i := len(blocks) - 1; i >= 0; i-- {
		out = append(out, blocks[i]...)
	}
	return out, nil
}

// lastLines cuts p to its last n lines; a newline at the very end ends the
// last line and begins none.
func lastLines(p []byte, n int) []byte {
	at := len(bytes.TrimSuffix(p, []byte{'\n'}))
	for range n {
		at = bytes.LastIndexByte(p[:at], '\n')
		if at < 0 {
			return p
		}
	}
	return p[at+1:]
}

// lastChars cuts valid UTF-8 to its last n characters.
func lastChars(p []byte, n int) []byte {
	at := len(p)
	for ; n > 0 && at > 0; n-- {
		_, size := utf8.DecodeLastRune(p[:at])
		at -= size
	}
	return p[at:]
}
