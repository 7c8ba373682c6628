package server

import "net"

// PeerListenerOf accepts connections of the user uid alone.
func PeerListenerOf(ln *net.UnixListener, uid int) net.Listener {
	return &peerListener{UnixListener: ln, uid: uid}
}
