package client

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dray/backend/rayapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a real server and returns a client for it.
func serve(t *testing.T, h http.Handler) (*Client, *httptest.Server) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return connect(t, Endpoint{BaseURL: srv.URL}), srv
}

func connect(t *testing.T, ep Endpoint) *Client {
	t.Helper()
	c, err := New(ep)
	if err != nil {
		t.Fatal(err)
	}
	c.backoff = backoff{first: time.Microsecond, most: 50 * time.Microsecond}
	t.Cleanup(c.Close)
	return c
}

// serveUnix starts a server on a Unix socket and returns its endpoint.
func serveUnix(t *testing.T, h http.Handler) Endpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: h}}
	srv.Start()
	t.Cleanup(srv.Close)
	return Unix(path)
}

func benchUnix(b *testing.B, h http.Handler) (Endpoint, func()) {
	path := filepath.Join(b.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: h}}
	srv.Start()
	return Unix(path), srv.Close
}

func answer(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// upgrade answers a WebSocket handshake by hand, so that what follows can be
// cut at any byte.
func upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	if err == nil {
		err = rw.Flush()
	}
	return conn, rw, err
}

// Opcodes of WebSocket frames.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
)

// frame encodes one unmasked frame.
func frame(op byte, payload []byte) []byte {
	f := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		f = append(f, byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 127), uint64(n))
	}
	return append(f, payload...)
}

func closeFrame(code uint16) []byte { return frame(opClose, binary.BigEndian.AppendUint16(nil, code)) }

// fakeJob is a job as a scripted server shows it. The functions are called
// with the number of the request of their kind, from 0; nil means the plain
// answer.
type fakeJob struct {
	mu                 sync.Mutex
	status             rayapi.Status
	log                string
	tails, gets, reads int

	onTail func(n int, w http.ResponseWriter, r *http.Request)
	onGet  func(n int, w http.ResponseWriter) (done bool)
	onLogs func(n int, w http.ResponseWriter) (done bool)
}

func (j *fakeJob) set(status rayapi.Status, log string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status, j.log = status, log
}

func (j *fakeJob) next(counter *int) (n int, status rayapi.Status, log string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = *counter
	*counter++
	return n, j.status, j.log
}

func (j *fakeJob) tail(w http.ResponseWriter, r *http.Request) {
	n, _, log := j.next(&j.tails)
	if j.onTail != nil {
		j.onTail(n, w, r)
		return
	}
	stream(w, r, append(frame(opText, []byte(log)), closeFrame(1000)...), -1)
}

func (j *fakeJob) get(w http.ResponseWriter, _ *http.Request) {
	n, status, _ := j.next(&j.gets)
	if j.onGet == nil || !j.onGet(n, w) {
		writeJSON(w, rayapi.Job{Status: status})
	}
}

func (j *fakeJob) logs(w http.ResponseWriter, _ *http.Request) {
	n, _, log := j.next(&j.reads)
	if j.onLogs == nil || !j.onLogs(n, w) {
		writeJSON(w, rayapi.LogsResponse{Logs: log})
	}
}

func (j *fakeJob) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/jobs/{id}", j.get)
	mux.HandleFunc("GET /api/jobs/{id}/logs", j.logs)
	mux.HandleFunc("GET /api/jobs/{id}/logs/tail", j.tail)
	return mux
}

// stream upgrades and sends the bytes, all of them or the first cut, and then
// drops the connection.
func stream(w http.ResponseWriter, r *http.Request, bytes []byte, cut int) {
	conn, rw, err := upgrade(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	if cut >= 0 {
		bytes = bytes[:min(cut, len(bytes))]
	}
	_, _ = rw.Write(bytes)
	_ = rw.Flush()
}

// hold keeps a connection open until the client drops it.
func hold(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1))
	conn.Close()
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
