package tui

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

const (
	// askLimit bounds the wait for the terminal's answer, askLimitSSH that over
	// a line that may be slow.
	askLimit    = 150 * time.Millisecond
	askLimitSSH = 400 * time.Millisecond
	// askBackground asks for the background, and then what every terminal
	// answers: when that comes first there is no answer to wait for.
	askBackground = "\x1b]11;?\x1b\\\x1b[c"
	// lateAnswer begins an answer that came when nobody waited any more, as the
	// keys that it is taken for.
	lateAnswer = "11;rgb:"
)

// lightBackground tells whether the terminal has a light background: by
// COLORFGBG, else by asking it once, before anything else reads its input. It
// reports false where that cannot be known, and never waits long.
func lightBackground(in, out *os.File, getenv func(string) string) bool {
	if v := getenv("COLORFGBG"); v != "" {
		return lightNumber(v[strings.LastIndexByte(v, ';')+1:])
	}
	if !answers(getenv) {
		return false
	}
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return false
	}
	defer func() { _ = term.Restore(int(in.Fd()), old) }()
	if _, err := out.WriteString(askBackground); err != nil {
		return false
	}
	limit := askLimit
	if getenv("SSH_CONNECTION") != "" {
		limit = askLimitSSH
	}
	return lightAnswer(readAnswer(int(in.Fd()), limit))
}

// answers reports whether a terminal of this kind is worth the question: screen
// and the older ones do not answer, or show it.
func answers(getenv func(string) string) bool {
	name := getenv("TERM")
	for _, silent := range []string{"dumb", "linux", "screen", "vt", "cygwin", "eterm"} {
		if strings.HasPrefix(name, silent) {
			return false
		}
	}
	return name != "" && getenv("STY") == ""
}

// readAnswer reads until the second answer is whole or the time is up.
func readAnswer(fd int, limit time.Duration) []byte {
	var got []byte
	buf := make([]byte, 256)
	const step = 10 * time.Millisecond // a poll's own clock: Now may stand still
	for waited := time.Duration(0); waited < limit; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(step/time.Millisecond))
		if err != nil && err != unix.EINTR { //nolint:errorlint // a plain errno
			return got
		}
		if n <= 0 {
			waited += step
			continue
		}
		n, err = unix.Read(fd, buf)
		if err != nil || n <= 0 {
			return got
		}
		got = append(got, buf[:n]...)
		if i := bytes.Index(got, []byte("\x1b[?")); i >= 0 && bytes.IndexByte(got[i:], 'c') > 0 || len(got) > 4096 {
			return got
		}
	}
	return got
}

// lightNumber reads one of the 16 colours: white and light grey are light.
func lightNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && (n == 7 || n > 8 && n <= 15)
}

// lightAnswer reads "…11;rgb:ffff/ffff/ffff…".
func lightAnswer(b []byte) bool {
	_, rest, found := strings.Cut(string(b), "\x1b]"+lateAnswer)
	parts := strings.SplitN(rest, "/", 3)
	if !found || len(parts) != 3 {
		return false
	}
	weights := []float64{0.299, 0.587, 0.114}
	sum := 0.0
	for i, p := range parts {
		hex := p
		if j := strings.IndexFunc(p, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }); j >= 0 {
			hex = p[:j]
		}
		n, err := strconv.ParseUint(hex, 16, 32)
		if err != nil || len(hex) > 4 {
			return false
		}
		sum += weights[i] * float64(n) / float64(uint64(1)<<(4*len(hex))-1)
	}
	return sum > 0.5
}
