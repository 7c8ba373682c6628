package contexts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"dray/backend/client"
	"dray/backend/rayapi"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    atomic.Int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	return a
}

func (a *authority) sign(c, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(a.n.Add(1)), pkix.Name{CommonName: "test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files writes the authority's certificate, and one for a client, into a
// folder.
func (a *authority) files() (dir string) {
	a.t.Helper()
	dir = a.t.TempDir()
	writePEM(a.t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", a.cert.Raw)
	cert, key := a.sign(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, a.cert, a.key)
	writePEM(a.t, filepath.Join(dir, "me.pem"), "CERTIFICATE", cert.Raw)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	writePEM(a.t, filepath.Join(dir, "me.key"), "EC PRIVATE KEY", der)
	return dir
}

// head is a server of one ended job that lets in who shows the wanted header.
type head struct {
	*httptest.Server
	mu     sync.Mutex
	wanted string   // of X-Key; "" is not looked at
	seen   []string // method and path of each request, "ws" before that of the log socket
}

func (h *head) want(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted = key
}

func (h *head) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.seen...)
}

func (h *head) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	what := r.Method + " " + r.URL.Path
	if r.Header.Get("Upgrade") != "" {
		what = "ws " + r.URL.Path
	}
	h.seen = append(h.seen, what)
	ok := h.wanted == "" || r.Header.Get("X-Key") == h.wanted
	h.mu.Unlock()
	const job = `{"type":"SUBMISSION","submission_id":"a","status":"SUCCEEDED","entrypoint":"true"}`
	switch {
	case !ok:
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(what, "ws"):
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		_ = conn.Write(r.Context(), websocket.MessageText, []byte("hello\n"))
		_ = conn.Close(websocket.StatusNormalClosure, "")
	case strings.HasPrefix(r.URL.Path, "/api/packages/") && r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "Package does not exist")
	case r.URL.Path == "/api/version":
		fmt.Fprint(w, `{"version":"4","ray_version":"2.60.0"}`)
	case strings.HasSuffix(r.URL.Path, "/logs"):
		fmt.Fprint(w, `{"logs":"hello\n"}`)
	case r.Method == http.MethodPost && r.URL.Path == "/api/jobs/":
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, `{"job_id":"a","submission_id":"a"}`)
	case r.URL.Path == "/api/jobs/":
		fmt.Fprint(w, "["+job+"]")
	default:
		fmt.Fprint(w, job)
	}
}

// serve starts a head, with TLS if an authority is given.
func serve(t *testing.T, a *authority, clients bool) *head {
	t.Helper()
	h := &head{}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	if a == nil {
		h.Start()
	} else {
		cert, key := a.sign(&x509.Certificate{
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}, a.cert, a.key)
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		h.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, ClientCAs: pool}
		if clients {
			h.TLS.ClientAuth = tls.RequireAndVerifyClientCert
		}
		h.StartTLS()
	}
	t.Cleanup(h.Close)
	return h
}

// dial returns a client of the cluster, as the config file would describe it.
func dial(t *testing.T, c Cluster, pairs ...string) *client.Client {
	t.Helper()
	target, err := Resolve(t.Context(), Options{FlagCluster: c.Name, Clusters: []Cluster{c}, Getenv: env(pairs...)})
	if err != nil {
		t.Fatal(err)
	}
	ep, err := Endpoint(target, env(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.New(ep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(got.Close)
	return got
}

// tail reads the log of the head's job to its end.
func tail(t *testing.T, c *client.Client) (string, error) {
	t.Helper()
	f, err := c.Follow(t.Context(), "a", 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var text strings.Builder
	for {
		chunk, err := f.Next(t.Context())
		text.WriteString(chunk.Data)
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return text.String(), err
		}
	}
}

// Each way to be sure of each other holds for calls and for the log socket.
func TestCluster_tls(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	dir := a.files()
	tests := []struct {
		name    string
		clients bool
		cluster Cluster
		want    string // of the error; "" is none
	}{
		{"unknown authority", false, Cluster{}, "signed by an authority that this machine does not know; name its CA as ca_file of clusters.c"},
		{"CA file", false, Cluster{CAFile: "ca.pem"}, ""},
		{"not verified", false, Cluster{SkipVerify: true}, ""},
		{"client certificate wanted", true, Cluster{CAFile: "ca.pem"}, "refuses our TLS"},
		{"client certificate", true, Cluster{CAFile: "ca.pem", CertFile: "me.pem", KeyFile: "me.key"}, ""},
		{"client certificate, not verified", true, Cluster{SkipVerify: true, CertFile: "me.pem", KeyFile: filepath.Join(dir, "me.key")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, a, tt.clients)
			c := tt.cluster
			c.Name, c.Address, c.Dir = "c", h.URL, dir
			got := dial(t, c)
			_, err := got.List(t.Context())
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, client.ErrUnreachable) {
					t.Errorf("err = %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text, err := tail(t, got); err != nil || text != "hello\n" {
				t.Errorf("log %q, %v", text, err)
			}
			if all := strings.Join(h.requests(), ","); !strings.Contains(all, "ws /api/jobs/a/logs/tail") {
				t.Errorf("no log socket among %s", all)
			}
		})
	}
}

// A broken file is told at once, by the setting's name.
func TestCluster_filesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := newAuthority(t).files()
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Cluster{
		"cluster c: ca_file: open":                              {CAFile: "none.pem"},
		"cluster c: ca_file: empty holds no certificate in PEM": {CAFile: "empty"},
		"cluster c: cert_file and key_file":                     {CertFile: "me.pem", KeyFile: "ca.pem"},
	} {
		c.Name, c.Address, c.Dir = "c", "https://127.0.0.1:1", dir
		if _, err := Endpoint(Target{URL: c.Address, Cluster: &c}, env()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

// A read-only cluster gets questions only, whatever is tried.
func TestCluster_readOnly(t *testing.T) {
	t.Parallel()
	h := serve(t, nil, false)
	c := dial(t, Cluster{Name: "lab", Address: h.URL, ReadOnly: true})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.py"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"submit": func() error {
			_, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "true"})
			return err
		},
		"stop":   func() error { _, err := c.Stop(t.Context(), "a"); return err },
		"delete": func() error { return c.Delete(t.Context(), "a") },
		"upload": func() error { _, err := c.Upload(t.Context(), dir, nil, nil); return err },
	} {
		err := do()
		if !errors.Is(err, client.ErrReadOnly) || !errors.Is(err, client.ErrNotSent) || !strings.Contains(err.Error(), "lab (http://127.0.0.1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.List(t.Context()); err != nil {
		t.Error(err)
	}
	if text, err := tail(t, c); err != nil || text != "hello\n" {
		t.Errorf("log %q, %v", text, err)
	}
	for _, r := range h.requests() {
		if !strings.HasPrefix(r, "GET ") && !strings.HasPrefix(r, "ws ") {
			t.Errorf("%s was sent", r)
		}
	}
}

// Tokens of the environment are for the server that the environment names.
func TestCluster_tokensStayHome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("filed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		cluster Cluster
		byName  bool
		want    string
	}{
		{"by name", Cluster{}, true, ""},
		{"by address", Cluster{}, false, "Bearer ours"},
		{"own file", Cluster{TokenFile: "token"}, false, "Bearer filed"},
		{"own variable", Cluster{TokenEnv: "LAB"}, true, "Bearer labs"},
		{"own header", Cluster{Headers: map[string]string{"Authorization": "Basic x"}}, false, "Basic x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 8)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got <- r.Header.Get("Authorization")
				fmt.Fprint(w, "[]")
			}))
			t.Cleanup(srv.Close)
			c := tt.cluster
			c.Name, c.Address, c.Dir = "c", srv.URL, dir
			pairs := []string{"RAY_AUTH_MODE", "token", "RAY_AUTH_TOKEN", "ours", "LAB", "labs", "RAY_ADDRESS", srv.URL}
			opt := Options{Clusters: []Cluster{c}, Getenv: env(pairs...)}
			if tt.byName {
				opt.FlagCluster = "c"
			}
			target, err := Resolve(t.Context(), opt)
			if err != nil || target.Cluster == nil {
				t.Fatalf("%+v, %v", target, err)
			}
			ep, err := Endpoint(target, env(pairs...))
			if err != nil {
				t.Fatal(err)
			}
			cl, err := client.New(ep)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cl.Close)
			if _, err := cl.List(t.Context()); err != nil {
				t.Fatal(err)
			}
			if auth := <-got; auth != tt.want {
				t.Errorf("Authorization %q, want %q", auth, tt.want)
			}
		})
	}
}
