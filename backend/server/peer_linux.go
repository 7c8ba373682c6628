package server

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// PeerListener accepts connections of processes of our own user alone and
// closes all others unread. Closing it closes ln.
func PeerListener(ln *net.UnixListener) net.Listener {
	return &peerListener{UnixListener: ln, uid: os.Getuid()}
}

type peerListener struct {
	*net.UnixListener
	uid int
}

// Accept returns the next connection of our user.
func (l *peerListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peerUID(conn); err == nil && uid == l.uid {
			return conn, nil
		}
		conn.Close()
	}
}

// peerUID is the user that the other end ran as when it connected.
func peerUID(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("look at the peer: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return 0, fmt.Errorf("look at the peer: %w", err)
	}
	if credErr != nil {
		return 0, fmt.Errorf("look at the peer: %w", credErr)
	}
	return int(cred.Uid), nil
}
