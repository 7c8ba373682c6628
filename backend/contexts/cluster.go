package contexts

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"dray/backend/client"
)

// Cluster is a server with a name, as the user has described it. Secrets are
// not part of it, unless a header is one: it says where they are.
type Cluster struct {
	Name    string
	Address string // a URL, or the word embedded

	Headers map[string]string // go with every request
	// HeaderCommand is a program and its arguments that prints more headers, one
	// "Name: value" a line. It runs when they are needed, and again when the
	// server refuses them.
	HeaderCommand []string
	HeaderTimeout time.Duration // of the command; 0 is DefaultHeaderTimeout
	TokenFile     string        // whose first line is sent as "Authorization: Bearer …"
	TokenEnv      string        // the variable that holds such a token

	CAFile            string // certificates of authorities, beside the system's
	CertFile, KeyFile string // of this client
	SkipVerify        bool   // believe any certificate

	ReadOnly  bool // nothing can be changed
	Protected bool // questions want a word typed, not a key pressed
	// Colour is that of the name: one that Colours lists, "#rrggbb", or 0 to 255.
	Colour string

	// Dir is where relative paths begin: the folder of the config file.
	Dir string
}

// DefaultHeaderTimeout is how long a header command may take.
const DefaultHeaderTimeout = 10 * time.Second

var clusterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

const maxClusterName = 63 // in the expression it would cost each start 60 KiB

// CheckName says what is wrong with the name of a cluster.
func CheckName(name string) error {
	switch {
	case name == wordEmbedded || name == wordAuto || name == WordNone:
		return fmt.Errorf("a cluster cannot be called %s: the word has a meaning of its own", name)
	case len(name) > maxClusterName || !clusterName.MatchString(name):
		return fmt.Errorf("a cluster's name is made of letters, digits and . _ -, and begins with one of the first two, not %q", name)
	}
	return nil
}

// CheckAddress says what is wrong with the address of a cluster.
func CheckAddress(address string) error {
	switch strings.TrimSpace(address) {
	case "":
		return errors.New("the address is missing: it is one such as http://HOST:" + dashboardPort)
	case wordEmbedded:
		return nil
	}
	_, err := checkAddress(strings.TrimSpace(address), "address")
	return err
}

// CheckHeader says what is wrong with a header, without its value.
func CheckHeader(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not the name of a header", name)
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("the value of %s holds characters that a header cannot carry", name)
	}
	return nil
}

// Check says what is wrong with the parts that have to fit each other.
func (c *Cluster) Check() error {
	secure := c.CAFile != "" || c.CertFile != "" || c.SkipVerify
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("cert_file and key_file need each other")
	case c.TokenFile != "" && c.TokenEnv != "":
		return errors.New("token_file and token_env exclude each other")
	case secure && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(c.Address)), "https://"):
		return errors.New("ca_file, cert_file and insecure_skip_verify are for an address that begins with https://")
	case c.CAFile != "" && c.SkipVerify:
		return errors.New("ca_file and insecure_skip_verify exclude each other")
	}
	return nil
}

// logsIn reports that the cluster says how to log in.
func (c *Cluster) logsIn() bool {
	if len(c.HeaderCommand) > 0 || c.TokenFile != "" || c.TokenEnv != "" {
		return true
	}
	for name := range c.Headers {
		if strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Cookie") {
			return true
		}
	}
	return false
}

// Login says in a few words what is sent to log in, without any secret.
func (c *Cluster) Login() string {
	var parts []string
	names := make([]string, 0, len(c.Headers))
	for name := range c.Headers {
		names = append(names, name)
	}
	if slices.Sort(names); len(names) > 0 {
		parts = append(parts, "header "+strings.Join(names, ", "))
	}
	switch {
	case c.TokenFile != "":
		parts = append(parts, "token from "+c.TokenFile)
	case c.TokenEnv != "":
		parts = append(parts, "token from $"+c.TokenEnv)
	}
	if len(c.HeaderCommand) > 0 {
		argv := c.HeaderCommand
		if len(argv) == 3 && argv[1] == "-c" {
			argv = argv[2:] // a line for the shell
		}
		parts = append(parts, "headers from `"+strings.Join(argv, " ")+"`")
	}
	return strings.Join(parts, ", ")
}

// Verifies says in a few words how the server's certificate is checked, and
// which one it is shown.
func (c *Cluster) Verifies() string {
	var parts []string
	switch {
	case c.SkipVerify:
		parts = append(parts, "certificate NOT verified")
	case c.CAFile != "":
		parts = append(parts, "CA "+c.CAFile)
	}
	if c.CertFile != "" {
		parts = append(parts, "client certificate "+c.CertFile)
	}
	return strings.Join(parts, ", ")
}

// path makes a path of the config file absolute.
func (c *Cluster) path(p string, getenv func(string) string) string {
	if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == filepath.Separator) {
		if home := homeOf(getenv); home != "" {
			return home + rest
		}
	}
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, p)
}

func homeOf(getenv func(string) string) string {
	if home := getenv("HOME"); home != "" {
		return home
	}
	home, _ := os.UserHomeDir() // without one there is nothing in it
	return home
}

// endpoint returns how a client reaches the cluster at url. What the
// environment says of tokens and headers is meant for the server that the
// environment names, and for no other.
func (c *Cluster) endpoint(t Target, getenv func(string) string) (client.Endpoint, error) {
	ep := client.Endpoint{
		BaseURL: t.URL, Name: c.Name + " (" + Redacted(t.URL) + ")", ReadOnly: c.ReadOnly,
		Header: make(http.Header, len(c.Headers)),
		Hints: client.Hints{
			Auth:     fmt.Sprintf("look at token_file, token_env, headers and header_command of clusters.%s in the config file", c.Name),
			ReadOnly: fmt.Sprintf("read_only of clusters.%s in the config file says so", c.Name),
			TLS:      fmt.Sprintf("name its CA as ca_file of clusters.%s in the config file", c.Name),

			TLSClient: fmt.Sprintf("it may want a certificate: cert_file and key_file of clusters.%s in the config file", c.Name),
		},
	}
	if !c.logsIn() && t.named() {
		env, err := Endpoint(Target{URL: t.URL}, getenv)
		if err != nil {
			return client.Endpoint{}, err
		}
		ep.Token = env.Token
		if env.Header != nil {
			ep.Header = env.Header
		}
	}
	for name, value := range c.Headers {
		ep.Header.Set(name, value)
	}
	conf, err := c.tls(getenv)
	if err != nil {
		return client.Endpoint{}, fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	ep.TLS = conf
	if c.TokenFile != "" || c.TokenEnv != "" || len(c.HeaderCommand) > 0 {
		ep.Fresh = c.fresh(getenv)
	}
	return ep, nil
}

// tls returns nil where the system's configuration will do.
func (c *Cluster) tls(getenv func(string) string) (*tls.Config, error) {
	if c.CAFile == "" && c.CertFile == "" && !c.SkipVerify {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.SkipVerify} //nolint:gosec // asked for, and shown in red
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.path(c.CAFile, getenv))
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", c.CAFile)
		}
		conf.RootCAs = pool
	}
	if c.CertFile != "" {
		cert, key := c.path(c.CertFile, getenv), c.path(c.KeyFile, getenv)
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		// Read for each connection: some are renewed every hour.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(cert, key)
			return &pair, err
		}
	}
	return conf, nil
}

// fresh returns the source of the headers that can change.
func (c *Cluster) fresh(getenv func(string) string) func(context.Context, http.Header) (http.Header, error) {
	s := &source{lock: make(chan struct{}, 1), now: time.Now}
	if len(c.HeaderCommand) > 0 {
		s.command = &command{argv: c.HeaderCommand, dir: c.Dir, timeout: cmp.Or(c.HeaderTimeout, DefaultHeaderTimeout), cluster: c.Name}
	}
	switch {
	case c.TokenFile != "":
		path := c.path(c.TokenFile, getenv)
		s.token = func() (string, error) {
			token, err := tokenFile(path)
			if err == nil && token == "" {
				err = errors.New("it is empty")
			}
			if err != nil {
				return "", fmt.Errorf("the token file %s of cluster %s cannot be used: %w", path, c.Name, err)
			}
			token, _, err = checked(token, path)
			return token, err
		}
	case c.TokenEnv != "":
		name := c.TokenEnv
		s.token = func() (string, error) {
			token := strings.TrimSpace(getenv(name))
			if token == "" {
				return "", fmt.Errorf("the token of cluster %s is to be in $%s, which is not set", c.Name, name)
			}
			token, _, err := checked(token, "$"+name)
			return token, err
		}
	}
	return s.headers
}
