//go:build linux

package supervise

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// The supervisor as a process is tested where it is used, in package runner.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 256)
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestNotifier_coalescesGrowth(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n")
	conn := listen(t, path)
	n := newNotifier(path, jobdir.Open("/jobs/a"))
	defer n.close()
	const times = 1000
	start := time.Now()
	for range times {
		n.grew()
	}
	n.slot()
	most := int(time.Since(start)/growthPause) + 2 // those at once, and the last
	slots, growth := 0, 0
	for slots == 0 || growth < 2 { // the first is at once, the last is never forgotten
		switch msg := receive(t, conn); msg {
		case "a\x00slot":
			slots++
		case "a\x00log":
			growth++
		default:
			t.Fatalf("datagram %q", msg)
		}
	}
	if slots != 1 || growth > most {
		t.Errorf("%d datagrams about the slot, %d about growth, want 1 and at most %d", slots, growth, most)
	}
}

// A backend that does not read its socket gets the last word when it does.
func TestNotifier_fullQueue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n")
	conn := listen(t, path)
	n := newNotifier(path, jobdir.Open("/jobs/a"))
	defer n.close()
	for n.datagram("fill") {
	}
	n.slot()
	for receive(t, conn) != "a\x00slot" {
	}
}

func TestNotifier_nobodyListens(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"no socket":  filepath.Join(t.TempDir(), "none"),
		"not wanted": "",
		"too long":   strings.Repeat("x", 200),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNotifier(path, jobdir.Open("/jobs/a"))
			n.slot()
			n.grew()
			if n.timer != nil {
				t.Error("it tries again")
			}
			n.close()
		})
	}
}

func TestOpenLog_isCapped(t *testing.T) {
	t.Parallel()
	d := jobdir.Open(t.TempDir())
	// Too full for a crash trace, so that it does not become our own stderr.
	if err := os.WriteFile(d.ShimLog(), bytes.Repeat([]byte{'x'}, maxLog-100), 0o600); err != nil {
		t.Fatal(err)
	}
	c := openLog(d)
	for range 10 {
		if n, err := c.Write(make([]byte, 30)); n != 30 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(d.ShimLog()); err != nil || info.Size() != maxLog-10 {
		t.Errorf("the log is %v, %v", info, err)
	}
}

func TestExitOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status unix.WaitStatus
		want   jobdir.Exit
	}{
		{"zero", 0, jobdir.Exit{}},
		{"code", 42 << 8, jobdir.Exit{Code: 42}},
		{"signal", 9, jobdir.Exit{Code: -9, Signal: 9}},
		{"core", 11 | 0x80, jobdir.Exit{Code: -11, Signal: 11, CoreDumped: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := ExitOf(tc.status)
			if got.At == 0 {
				t.Error("no time")
			}
			if got.At = 0; got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestPrepare_noJob(t *testing.T) {
	t.Parallel()
	if _, err := (&supervisor{dir: jobdir.Open(t.TempDir())}).prepare(); err == nil {
		t.Error("prepare() of a folder that is no job's: no error")
	}
}
