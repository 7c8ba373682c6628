//go:build linux && ray

package conformance_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRayTLS attaches the official client by the lines that dray serve
// prints for an authority that nobody knows.
func TestRayTLS(t *testing.T) {
	bin := drayBin(t)
	cert, key, _ := writeCert(t, t.TempDir(), "dray")
	s := startDrayWith(t, bin, "dray serve, TLS", testToken, []string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.base, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	ray := func(env []string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(rayPython(t)), "ray"), append([]string{"job"}, args...)...)
		cmd.Env = append(rayEnv(t), append([]string{
			"RAY_API_SERVER_ADDRESS=https://127.0.0.1:" + port, "RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN=" + testToken,
		}, env...)...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	known := []string{"REQUESTS_CA_BUNDLE=" + cert, "SSL_CERT_FILE=" + cert}
	if out, err := ray(known, "submit", "--", "echo", "over tls"); err != nil || !strings.Contains(out, "over tls") || !strings.Contains(out, "succeeded") {
		t.Errorf("ray job submit: %v\n%s", err, out)
	}
	if out, err := ray([]string{"REQUESTS_CA_BUNDLE=", "SSL_CERT_FILE="}, "submit", "--verify", cert, "--", "echo", "by verify"); err != nil || !strings.Contains(out, "by verify\n") {
		t.Errorf("ray job submit --verify: %v\n%s", err, out)
	}
	if out, err := ray([]string{"REQUESTS_CA_BUNDLE=", "SSL_CERT_FILE="}, "list"); err == nil || !strings.Contains(out, "SSL") && !strings.Contains(out, "Failed to connect") {
		t.Errorf("ray job list without the authority: %v\n%s", err, out)
	}
}
