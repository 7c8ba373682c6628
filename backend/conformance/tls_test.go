//go:build linux

package conformance_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCert makes a certificate that is its own authority, for this machine.
func writeCert(t testing.TB, dir, name string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost", "jobs.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, data := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}

func httpsGet(t *testing.T, url, token string, config *tls.Config) (int, *tls.ConnectionState, error) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	resp.Body.Close()
	return resp.StatusCode, resp.TLS, nil
}

// TestTLS serves beyond loopback, over TLS and with a token.
func TestTLS(t *testing.T) {
	t.Parallel()
	bin, dir := drayBin(t), t.TempDir()
	cert, key, pool := writeCert(t, dir, "first")
	s := startDrayWith(t, bin, "dray serve, TLS", testToken, []string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.base, "https://"))
	if err != nil || !strings.HasPrefix(s.base, "https://") {
		t.Fatalf("it listens on %q", s.base)
	}
	base := "https://127.0.0.1:" + port
	version := base + "/api/version"

	status, state, err := httpsGet(t, version, testToken, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
	if err != nil || status != 200 || state.NegotiatedProtocol == "h2" {
		t.Errorf("with the token: %d, %v", status, err)
	}
	if status, _, err := httpsGet(t, version, "", &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}); err != nil || status != 401 {
		t.Errorf("without the token: %d, %v", status, err)
	}
	if _, _, err := httpsGet(t, version, testToken, &tls.Config{MinVersion: tls.VersionTLS12}); err == nil {
		t.Error("a client that does not know the authority was content")
	}
	old := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // that it is refused is the test
	if _, _, err := httpsGet(t, version, testToken, old); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	if status, _, err := httpsGet(t, "http://127.0.0.1:"+port+"/api/version", testToken, nil); err == nil && status == 200 {
		t.Error("plain HTTP was answered")
	}

	dray := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), bin, append([]string{"--address", base}, args...)...)
		cmd.Env = append(cleanEnv(), "RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN="+testToken, "SSL_CERT_FILE="+cert, "DRAY_STATE_DIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	id, err := dray("submit", "--", "echo", "over", "tls")
	if err != nil {
		t.Fatalf("dray submit: %v\n%s", err, id)
	}
	if out, err := dray("logs", "-f", strings.TrimSpace(id)); err != nil || !strings.Contains(out, "over tls\n") {
		t.Errorf("dray logs -f: %v\n%s", err, out)
	}

	_, _, second := writeCert(t, dir, "second") // in place of the first
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, _, err = httpsGet(t, version, testToken, &tls.Config{RootCAs: second, MinVersion: tls.VersionTLS12})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the new certificate is not used: %v", err)
		}
		time.Sleep(100 * time.Millisecond) // the server looks once a second
	}
}

// Fault 39, the files: a token that is named and not to be had keeps dray serve
// from starting, and a file that others can read is warned of.
func TestFault39_tokenFiles(t *testing.T) {
	t.Parallel()
	bin, dir := drayBin(t), t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		file("empty", "\n", 0o600):        "is empty: put the token on its first line",
		filepath.Join(dir, "not there"):   "cannot be read",
		file("two words", "a b\n", 0o600): "holds characters that a header cannot carry",
	} {
		cmd := exec.CommandContext(t.Context(), bin, "serve", "--listen", "127.0.0.1:0", "--state-dir", filepath.Join(dir, "s"))
		cmd.Env = append(cleanEnv(), "RAY_AUTH_TOKEN_PATH="+path)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %s, want %q", path, err, out, want)
		}
	}
	for mode, warns := range map[os.FileMode]bool{0o600: false, 0o640: true, 0o604: true} {
		path := file(fmt.Sprintf("mode %o", mode), testToken+"\n", mode)
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, bin, "serve", "--listen", "127.0.0.1:0", "--state-dir", filepath.Join(dir, "s"))
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.Env = append(cleanEnv(), "RAY_AUTH_TOKEN_PATH="+path)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&said, lines.Text())
			if strings.Contains(lines.Text(), "the token is from") && !warns || strings.Contains(lines.Text(), "WARNING") {
				cancel()
			}
		}
		cancel()
		_ = cmd.Wait()
		if strings.Contains(said.String(), "others can read") != warns || strings.Contains(said.String(), testToken) {
			t.Errorf("mode %o: %s", mode, said.String())
		}
	}
}

// TestServeRefuses asks for what dray serve must not do.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	bin, dir := drayBin(t), t.TempDir()
	cert, key, _ := writeCert(t, dir, "x")
	for want, tc := range map[string]struct{ args, env []string }{
		"add --tls-cert FILE --tls-key FILE":            {args: []string{"--listen", "0.0.0.0:0"}},
		"go together: one is missing":                   {args: []string{"--tls-cert", cert}},
		"cannot be used: tls":                           {args: []string{"--tls-cert", key, "--tls-key", cert}},
		"RAY_AUTH_MODE=disabled works on loopback only": {args: []string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key}, env: []string{"RAY_AUTH_MODE=disabled"}},
	} {
		cmd := exec.CommandContext(t.Context(), bin, append([]string{"serve", "--listen", "127.0.0.1:0", "--state-dir", filepath.Join(dir, "s")}, tc.args...)...)
		cmd.Env = append(cleanEnv(), append([]string{"RAY_AUTH_TOKEN=" + testToken}, tc.env...)...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, %s, want %q", tc.args, err, out, want)
		}
	}
}
