// Package client is the only HTTP client of the Ray Jobs API in this program:
// the embedded backend and a real cluster are reached by the same code, only
// the Endpoint differs.
//
// It hides what is tiresome about the wire: errors that are Python tracebacks,
// logs that come as one JSON string, a log socket that starts over after every
// drop. Which server to use is the business of package contexts; what the
// answers mean for the user, that of its callers.
package client

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"
)

// Endpoint says where a server lives and how to reach it.
type Endpoint struct {
	// BaseURL is the address, http or https, with an optional path prefix. A
	// user and password in it are sent as basic authentication, and never shown.
	BaseURL string
	// Dial makes the connections; nil means the network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Header goes with every request, the log socket's handshake included.
	Header http.Header
	// TLS is the configuration for https; nil means the system's.
	TLS *tls.Config
	// Token is sent as "Authorization: Bearer …" unless Header has its own
	// Authorization.
	Token string
	// Name is what error texts call the server; "" means BaseURL without its
	// password.
	Name string
	// Version of this program, for the User-Agent; "" leaves it out.
	Version string
	// Packages keeps what is uploaded; nil keeps nothing.
	Packages Keeper
	// Fresh returns headers that come and go, such as a token that a program
	// prints. It is asked before each request, so it had better remember them;
	// with those that the server has just refused it is asked for others.
	Fresh func(ctx context.Context, refused http.Header) (http.Header, error)
	// ReadOnly holds back every request that could change anything.
	ReadOnly bool
	// Hints replace the advice in some errors.
	Hints Hints
}

// Hints are what errors tell the user to do; "" is the usual advice.
type Hints struct {
	Auth     string // when the server lets us not in
	ReadOnly string // when a request was held back
	TLS      string // when the server's certificate is not known
	// TLSClient is for a server that does not like ours.
	TLSClient string
}

// Unix returns the endpoint of the embedded backend that listens on the socket
// at path.
func Unix(path string) Endpoint {
	return Endpoint{
		BaseURL: "http://localhost",
		Name:    "the embedded backend at " + path,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}
}

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	rest    *resty.Client
	http    *http.Client
	base    string // without user, query and trailing slash
	name    string
	header  http.Header
	token   bool // a token or another authorization is sent
	backoff backoff
	keep    Keeper
	hints   Hints
	last    atomic.Pointer[listing] // the newest list of all jobs

	// The constants of these names, but in tests.
	maxProof int64
	stall    time.Duration
}

// New prepares a client; it does not connect. An address that cannot work is
// refused with a sentence that says how to write it.
func New(ep Endpoint) (*Client, error) {
	u, err := parseBase(ep.BaseURL)
	if err != nil {
		return nil, err
	}
	header := makeHeader(ep, u.User)
	u.User = nil
	c := &Client{
		http: &http.Client{
			Transport: &gate{next: newTransport(ep), readOnly: ep.ReadOnly, fresh: ep.Fresh},
			// A redirect leads to a login page or another address: the user must know.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base:     strings.TrimRight(u.String(), "/"),
		header:   header,
		token:    header.Get("Authorization") != "" || ep.Fresh != nil,
		backoff:  backoff{first: 200 * time.Millisecond, most: 8 * time.Second},
		maxProof: maxProof,
		stall:    stallTimeout,
		keep:     ep.Packages,
		hints:    ep.Hints,
	}
	c.name = ep.Name
	switch {
	case c.name != "":
	case ep.Dial != nil:
		c.name = "the embedded backend"
	default:
		c.name = c.base
	}
	c.rest = resty.NewWithClient(c.http).
		SetBaseURL(c.base).
		SetDoNotParseResponse(true).
		SetDisableWarn(true).
		SetLogger(silent{}) // its default writes over the dashboard
	c.rest.Header = header.Clone()
	return c, nil
}

// Close drops the idle connections. Calls and followers that are under way go
// on; the client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func parseBase(base string) (*url.URL, error) {
	const form = "write it as http://HOST:8265"
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil {
		// The parser's error quotes the whole address, a password included.
		return nil, errors.New("the server address is not a URL: " + form)
	}
	shown := *u
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	switch {
	case base == "":
		return nil, errors.New("the server address is empty: " + form)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the server address %s does not start with http:// or https://: %s", oneLine(shown.String()), form)
	case u.Hostname() == "":
		return nil, fmt.Errorf("the server address %s names no host: %s", oneLine(shown.String()), form)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the server address %s goes on with '?' or '#': %s", oneLine(shown.String()), form)
	}
	return u, nil
}

func makeHeader(ep Endpoint, user *url.Userinfo) http.Header {
	h := http.Header{}
	for k, v := range ep.Header {
		h[http.CanonicalHeaderKey(k)] = append([]string(nil), v...)
	}
	agent := "dray"
	if ep.Version != "" {
		agent += "/" + ep.Version
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", agent)
	}
	switch {
	case h.Get("Authorization") != "":
	case ep.Token != "":
		h.Set("Authorization", "Bearer "+ep.Token)
	case user != nil:
		password, _ := user.Password()
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	return h
}

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
)

func newTransport(ep Endpoint) *http.Transport {
	t := &http.Transport{
		TLSClientConfig:     ep.TLS,
		TLSHandshakeTimeout: handshakeTimeout,
		MaxIdleConnsPerHost: 4,
	}
	if ep.Dial != nil {
		t.DialContext = ep.Dial
		t.DisableCompression = true
		t.IdleConnTimeout = 2 * time.Second // the backend may change hands
		return t
	}
	// Keep-alives find a dead link where a log socket may rightly be silent
	// for hours.
	d := net.Dialer{
		Timeout:         dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
	}
	t.DialContext = d.DialContext
	t.Proxy = http.ProxyFromEnvironment
	t.IdleConnTimeout = 30 * time.Second
	return t
}

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
