package contexts

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// dashboardPort is where Ray's dashboard, and with it the Jobs API, listens
// unless told otherwise.
const dashboardPort = "8265"

// checkAddress returns the base URL that value means. The error names the form
// that works.
func checkAddress(value, source string) (string, error) {
	scheme, rest, hasScheme := strings.Cut(value, "://")
	switch scheme = strings.ToLower(scheme); {
	case !hasScheme:
		return "", notURL(value, source)
	case scheme == "ray":
		return "", fmt.Errorf("%s: %s is an address for Ray Client, not for the Jobs API: use %s",
			source, Redacted(value), httpForm(rest, false))
	case scheme != "http" && scheme != "https":
		return "", fmt.Errorf("%s: %s:// is not supported: use an address such as http://HOST:%s", source, scheme, dashboardPort)
	}
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: the address is not a URL: use one such as http://HOST:%s", source, dashboardPort)
	case u.Hostname() == "":
		return "", fmt.Errorf("%s: %s names no host: use an address such as http://HOST:%s", source, Redacted(value), dashboardPort)
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%s: %s must end with the path: leave out what follows '?' or '#'", source, Redacted(value))
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// notURL explains an address without a scheme.
func notURL(value, source string) error {
	if value == "local" {
		return fmt.Errorf("%s: local starts a Ray of its own in a script and names no server: use %s, %s or an address such as http://HOST:%s",
			source, wordEmbedded, wordAuto, dashboardPort)
	}
	if _, _, err := net.SplitHostPort(value); err == nil {
		return fmt.Errorf("%s: %s is not the address of a Jobs API: use %s", source, Redacted(value), httpForm(value, true))
	}
	return fmt.Errorf("%s: %q is not an address: use %s, %s or one such as http://HOST:%s",
		source, value, wordEmbedded, wordAuto, dashboardPort)
}

// httpForm guesses the address of the dashboard from another one of the same
// head. keepPort tells that the port may be the dashboard's already.
func httpForm(hostPort string, keepPort bool) string {
	hostPort, _, _ = strings.Cut(hostPort, "/")
	if i := strings.LastIndex(hostPort, "@"); i >= 0 {
		hostPort = hostPort[i+1:]
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host, port = hostPort, ""
	}
	if host == "" {
		host = "127.0.0.1"
	}
	const gcsPort, clientPort = "6379", "10001"
	if !keepPort || port == "" || port == gcsPort || port == clientPort {
		port = dashboardPort
	}
	return "http://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// redacted stands for a password.
const redacted = "<redacted>"

// Redacted returns the address as it may be shown: without a password. When in
// doubt where a password ends, it hides more.
func Redacted(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && strings.LastIndex(rest, "@") < i {
		authority, path = rest[:i], rest[i:]
	}
	at := strings.LastIndex(authority, "@")
	if at < 0 {
		return address
	}
	user, _, hasPassword := strings.Cut(authority[:at], ":")
	if hasPassword {
		user += ":" + redacted
	} else {
		user = redacted // alone it is a token
	}
	return scheme + user + authority[at:] + path
}

// HostName returns the host and port of a target's URL, which is how the
// server is called where space is short.
func HostName(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return Redacted(address)
	}
	return u.Host
}
