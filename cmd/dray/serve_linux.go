package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dray/backend"
	"dray/backend/contexts"
	"dray/backend/server"
	"dray/backend/shellwords"
)

type serveFlags struct {
	listen    string
	plaintext bool
	cert, key string // files; "" for no TLS
}

func (a *app) serveCmd() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the Ray Jobs API for ray job, JobSubmissionClient and curl",
		Long: `Serves the embedded backend's jobs over TCP, so that the official ray job CLI
and Python's JobSubmissionClient work against it.

The port runs commands, so it asks for a token: RAY_AUTH_TOKEN, else the file
RAY_AUTH_TOKEN_PATH, else ~/.ray/auth_token, else one of its own that it makes in
the state folder. RAY_AUTH_MODE=disabled turns the token off, on loopback only.

Beyond loopback it wants TLS as well: --tls-cert and --tls-key name PEM files,
which are read again when they change.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8265", "`HOST:PORT` to listen on; port 0 picks one")
	cmd.Flags().BoolVar(&f.plaintext, "i-know-plaintext", false, "listen beyond loopback although token and data travel unencrypted")
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "`FILE` of the certificate, with those that lead to its authority: speak https")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "`FILE` of the certificate's key")
	return cmd
}

// serve runs until ctx ends. The line on stdout says that it is ready.
func (a *app) serve(ctx context.Context, f serveFlags) error {
	if err := a.own("serve"); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.stderr, nil))
	state, err := a.statePath()
	if err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("the current folder cannot be found: %w", err)
	}
	token, from, err := a.serveToken(state)
	if err != nil {
		return err
	}
	cert, err := f.certificate(log)
	if err != nil {
		return err
	}
	ln, err := listen(ctx, f, token != "")
	if err != nil {
		return err
	}
	host, err := backend.Open(ctx, backend.Config{StateDir: state, DefaultDir: cwd, Version: version, Log: log})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	names := hostNames(ln, f.listen, cert)
	guard := server.Guard(host.Handler(), server.GuardConfig{
		Token: token, AuthDisabled: token == "", Hosts: names, Log: log,
		HostsNow: func() []string { return hostNames(ln, f.listen, cert) }, // a new certificate, a new address
	})
	srv := server.HTTPServer(guard, log)
	door, scheme := server.LimitListener(ln), "http://"
	if cert != nil {
		door, scheme = tls.NewListener(door, cert.Config()), "https://"
	}
	if _, err := fmt.Fprintln(a.stdout, "listening on "+scheme+ln.Addr().String()); err != nil {
		return errors.Join(fmt.Errorf("print: %w", err), ln.Close(), a.shutdown(srv, host))
	}
	a.explainAttach(attach{base: scheme + attachHost(ln, f.listen, cert), hasToken: token != "", from: from, cert: f.untrusted(cert)})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(door) }() // ends with srv.Close below
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	return errors.Join(ignoreClosed(err), a.shutdown(srv, host))
}

func (a *app) shutdown(srv *http.Server, host *backend.Host) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	grace, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if running, queued, sumErr := host.Summary(ctx); sumErr == nil {
		a.sayWhatGoesOn(running, queued)
	}
	return errors.Join(err, host.Close(ctx))
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listen binds before anything else is started, so that a taken port is one
// sentence and not a log line.
func listen(ctx context.Context, f serveFlags, hasToken bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, usagef("--listen %q is not HOST:PORT, such as 127.0.0.1:8265", f.listen)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return nil, usagef("--listen %q: the port is a number from 0 to 65535", f.listen)
	}
	if !loopback(host) {
		if !hasToken {
			return nil, usagef("RAY_AUTH_MODE=disabled works on loopback only: anybody who reaches %s could run commands here", f.listen)
		}
		if f.cert == "" && !f.plaintext {
			return nil, usagef("%s is not loopback, and the token would travel unencrypted: add --tls-cert FILE --tls-key FILE, "+
				"or listen on 127.0.0.1 and use an ssh tunnel, or add --i-know-plaintext", f.listen)
		}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", f.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken, perhaps by a Ray dashboard: stop that, or choose another port with --listen HOST:PORT", f.listen)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", f.listen, err)
	}
	return ln, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// certificate reads the certificate; nil for none.
func (f serveFlags) certificate(log *slog.Logger) (*server.Certificate, error) {
	if f.cert == "" && f.key == "" {
		return nil, nil
	}
	if f.cert == "" || f.key == "" {
		return nil, usagef("--tls-cert and --tls-key go together: one is missing")
	}
	cert, err := server.LoadCertificate(f.cert, f.key, log)
	if err != nil {
		return nil, &usageError{err}
	}
	return cert, nil
}

// untrusted is the file of a certificate that clients must be told of.
func (f serveFlags) untrusted(cert *server.Certificate) string {
	if cert == nil || cert.IsTrusted() {
		return ""
	}
	if path, err := filepath.Abs(f.cert); err == nil {
		return path
	}
	return f.cert
}

// hostNames are the values of the Host header that mean us. Any other comes
// from a page that had its own name resolved to our address.
func hostNames(ln net.Listener, listen string, cert *server.Certificate) []string {
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return nil
	}
	names := []string{"localhost", "127.0.0.1", "::1"}
	host, _, err := net.SplitHostPort(listen)
	if err == nil && !loopback(host) {
		names = append(names, ownNames(host)...)
	}
	if cert != nil {
		names = append(names, cert.Names()...)
	}
	return hostValues(names, port, cert != nil)
}

// hostValues are what clients send as Host for the names of a server: with the
// port, and without it where it is the scheme's own.
func hostValues(names []string, port string, secure bool) []string {
	own := "80"
	if secure {
		own = "443"
	}
	var values []string
	for _, n := range names {
		values = append(values, net.JoinHostPort(n, port))
		if port != own {
			continue
		}
		if strings.Contains(n, ":") {
			n = "[" + n + "]"
		}
		values = append(values, n)
	}
	return values
}

// ownNames are what a listener beyond loopback may be called: the name that
// was given, or all of this machine's where it listens everywhere.
func ownNames(host string) []string {
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return []string{host}
	}
	var names []string
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return names
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() {
			names = append(names, n.IP.String())
		}
	}
	return names
}

// serveToken finds the token that clients must send, and says where it is
// from; "" when the user turned it off.
func (a *app) serveToken(state string) (token, from string, err error) {
	if strings.EqualFold(a.getenv("RAY_AUTH_MODE"), "disabled") {
		return "", "", nil
	}
	home, _ := os.UserHomeDir()
	token, from, err = contexts.FindToken(a.getenv, home)
	if err != nil || token != "" {
		return token, from, err
	}
	return backend.OwnToken(state)
}

// attachHost is the address to print for clients: that which was asked for,
// or, of a server that listens everywhere, a name that its certificate is for,
// else this machine's.
func attachHost(ln net.Listener, listen string, cert *server.Certificate) string {
	host, _, err := net.SplitHostPort(listen)
	_, port, portErr := net.SplitHostPort(ln.Addr().String())
	if err != nil || portErr != nil {
		return ln.Addr().String()
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return net.JoinHostPort(host, port)
	}
	names := ownNames("")
	if cert != nil {
		names = slices.Concat(cert.Names(), names)
	}
	for _, name := range append(names, "127.0.0.1") {
		if !loopback(name) {
			return net.JoinHostPort(name, port)
		}
	}
	return ln.Addr().String()
}

// attach is what a client must know.
type attach struct {
	base     string
	hasToken bool
	from     string // where the token is from
	cert     string // file of a certificate that clients do not trust by themselves; "" for none
}

// explainAttach prints, on stderr, the lines that attach Ray's own client.
func (a *app) explainAttach(to attach) {
	fmt.Fprintln(a.stderr, "dray: attach the official client with")
	fmt.Fprintf(a.stderr, "  export RAY_API_SERVER_ADDRESS=%s\n", to.base)
	if to.cert != "" {
		fmt.Fprintf(a.stderr, "  export REQUESTS_CA_BUNDLE=%s SSL_CERT_FILE=%[1]s\n", shellwords.Quote(to.cert))
	}
	if !to.hasToken {
		fmt.Fprintln(a.stderr, "dray: WARNING: RAY_AUTH_MODE=disabled: every user of this machine can run commands as you through this port")
		return
	}
	fmt.Fprintln(a.stderr, "  export RAY_AUTH_MODE=token")
	if strings.HasPrefix(to.from, "/") {
		fmt.Fprintf(a.stderr, "  export RAY_AUTH_TOKEN_PATH=%s\n", shellwords.Quote(to.from))
	}
	fmt.Fprintln(a.stderr, "  ray job list")
	fmt.Fprintf(a.stderr, "dray: the token is from %s\n", to.from)
	if info, err := os.Stat(to.from); err == nil && info.Mode().Perm()&0o077 != 0 {
		fmt.Fprintf(a.stderr, "dray: WARNING: others can read %s (mode %o): chmod 600 it, and put a new token into it\n", to.from, info.Mode().Perm())
	}
}
