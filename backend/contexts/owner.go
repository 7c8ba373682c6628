package contexts

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// stranger returns who else owns what auto would believe, or "". Ray's folder
// lies where every local user may write, and whoever makes it first decides
// where tokens, env vars and commands go.
func stranger(dir string) string {
	for _, path := range []string{
		dir,
		filepath.Join(dir, "ray_current_cluster"),
		filepath.Join(dir, "session_latest") + string(filepath.Separator),
		filepath.Join(dir, "session_latest", "logs"),
		filepath.Join(dir, "session_latest", "logs", "dashboard.log"),
	} {
		info, err := os.Stat(path)
		if err != nil {
			continue // a file that is missing says nothing
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || st.Uid == 0 || int(st.Uid) == os.Getuid() {
			continue
		}
		if u, err := user.LookupId(strconv.Itoa(int(st.Uid))); err == nil {
			return u.Username
		}
		return fmt.Sprintf("user %d", st.Uid)
	}
	return ""
}

// isLocal reports whether address is one of this machine.
func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return host == "localhost"
	}
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}
