package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"dray/backend/logfile"
	"dray/backend/rayapi"
	"dray/backend/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeJobs answers what its functions say; without one, that no job exists.
type fakeJobs struct {
	submit func(r rayapi.SubmitRequest) (string, error)
	job    func(id string) (rayapi.Job, error)
	rows   func(yield func([]byte) error) error
	page   func(q rayapi.JobQuery, yield func([]byte) error) (string, error)
	counts rayapi.JobCounts
	node   rayapi.NodeState
	stop   func(id string) (bool, error)
	delete func(id string) error
	log    func(id string) (logfile.Source, error)
}

func (f *fakeJobs) Submit(_ context.Context, r rayapi.SubmitRequest) (string, error) {
	if f.submit == nil {
		return "new", nil
	}
	return f.submit(r)
}

func (f *fakeJobs) Job(_ context.Context, id string) (rayapi.Job, error) {
	if f.job == nil {
		return rayapi.Job{}, rayapi.NotFoundError(id)
	}
	return f.job(id)
}

func (f *fakeJobs) Rows(_ context.Context, yield func([]byte) error) error {
	if f.rows == nil {
		return nil
	}
	return f.rows(yield)
}

func (f *fakeJobs) Page(_ context.Context, q rayapi.JobQuery, yield func([]byte) error) (string, error) {
	if f.page == nil {
		return "", nil
	}
	return f.page(q, yield)
}

func (f *fakeJobs) Counts(context.Context) (rayapi.JobCounts, error) { return f.counts, nil }

func (f *fakeJobs) Node(context.Context) (rayapi.NodeState, error) { return f.node, nil }

func (f *fakeJobs) StopWith(_ context.Context, id string, _ rayapi.StopOptions) (bool, error) {
	if f.stop == nil {
		return false, rayapi.NotFoundError(id)
	}
	return f.stop(id)
}

func (f *fakeJobs) Delete(_ context.Context, id string) error {
	if f.delete == nil {
		return rayapi.NotFoundError(id)
	}
	return f.delete(id)
}

func (f *fakeJobs) Log(_ context.Context, id string) (logfile.Source, error) {
	if f.log == nil {
		return nil, rayapi.NotFoundError(id)
	}
	return f.log(id)
}

type fakePackages struct {
	has func(name string) (bool, error)
	put func(name string, body io.Reader) error
}

func (f *fakePackages) Has(_ context.Context, name string) (bool, error) {
	if f.has == nil {
		return false, nil
	}
	return f.has(name)
}

func (f *fakePackages) Put(_ context.Context, name string, body io.Reader) error {
	if f.put == nil {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	return f.put(name, body)
}

// fakeLog is a log whose writer is the test. It wakes all its readers.
type fakeLog struct {
	path string

	mu    sync.Mutex
	st    logfile.State
	err   error
	wakes map[chan struct{}]bool
}

func newLog(t testing.TB, content string) *fakeLog {
	t.Helper()
	l := &fakeLog{path: filepath.Join(t.TempDir(), "log"), wakes: map[chan struct{}]bool{}}
	if content != "" {
		l.write(t, content)
	}
	return l
}

func (l *fakeLog) Path() string { return l.path }

func (l *fakeLog) State(context.Context) (logfile.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.st, l.err
}

func (l *fakeLog) Wake() (<-chan struct{}, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ch := make(chan struct{}, 1)
	l.wakes[ch] = true
	return ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.wakes, ch)
	}
}

func (l *fakeLog) set(st logfile.State, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.st, l.err = st, err
	for ch := range l.wakes {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (l *fakeLog) write(t testing.TB, text string) {
	t.Helper()
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	l.set(logfile.State{}, nil)
}

// finish makes the log final at its present length.
func (l *fakeLog) finish(t testing.TB) {
	t.Helper()
	info, err := os.Stat(l.path)
	if err != nil {
		t.Fatal(err)
	}
	l.set(logfile.State{Final: true, Size: info.Size()}, nil)
}

func (l *fakeLog) jobs() *fakeJobs {
	return &fakeJobs{log: func(id string) (logfile.Source, error) {
		if id != "j" {
			return nil, rayapi.NotFoundError(id)
		}
		return l, nil
	}}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testVersion() rayapi.Version {
	return rayapi.Version{Version: "4", RayVersion: "2.60.0", RayCommit: "dray-dev", SessionName: "session_x"}
}

func newAPI(jobs *fakeJobs) *server.API {
	return server.New(server.Config{Jobs: jobs, Packages: &fakePackages{}, Version: testVersion(), Log: quiet()})
}

// serve starts h on a real port, with the limits of HTTPServer.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = server.HTTPServer(h, quiet())
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request to h, which answers into memory.
func ask(t testing.TB, h http.Handler, method, target, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// compact is JSON without blanks; any other text stays as it is.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}
