package server

import (
	"context"
	"net/http"
	"time"
)

// WithPatience makes a Guard wait d for a body that stalls.
func WithPatience(guarded http.Handler, d time.Duration) http.Handler {
	g, ok := guarded.(*guard)
	if !ok {
		panic("not a Guard")
	}
	g.patience = d
	return g
}

// BodyStep is how many bytes put a body's deadline off.
const BodyStep = bodyStep

// JoinFollowers joins n followers of n jobs, one after the other, and leaves
// with all of them. It returns how many were let in.
func JoinFollowers(n int, name func(i int) string) int {
	var f followers
	joined := 0
	for i := range n {
		leave, err := f.join(name(i), func(error) {})
		if err != nil {
			continue
		}
		defer leave()
		joined++
	}
	return joined
}

// FollowersAfterLeave reports whether a place is free again once its follower
// has left.
func FollowersAfterLeave() error {
	var f followers
	var leave func()
	for range maxFollowersPerJob {
		l, err := f.join("j", func(error) {})
		if err != nil {
			return err
		}
		leave = l
	}
	leave()
	l, err := f.join("j", func(error) {})
	if err != nil {
		return err
	}
	l()
	return nil
}

// CloseFollowers lets go the followers that joined and reports the causes they
// were told.
func CloseFollowers(n int) (told int, err error) {
	var f followers
	for range n {
		var leave func()
		leave, err = f.join("j", func(cause error) {
			if cause == errClosing { //nolint:errorlint // as it is
				told++
			}
			go leave()
		})
		if err != nil {
			return 0, err
		}
	}
	err = f.close(context.Background())
	return told, err
}

// Routes lists every path of the API, {} for any segment, with its methods but
// HEAD.
func Routes() map[string][]string {
	all := map[string][]string{authModePath: {http.MethodGet}, authenticatePath: {http.MethodPost}}
	for _, rt := range apiRoutes() {
		for _, m := range passMethods() {
			if m != http.MethodHead && rt.endpoint(m) != nil {
				all[rt.path] = append(all[rt.path], m)
			}
		}
	}
	return all
}

// AppendPython appends JSON as Python spells it.
func AppendPython(dst, src []byte) []byte { return appendPython(dst, src) }

// PythonJSON is JSON as Python spells it.
func PythonJSON(text string) string { return string(appendPython(nil, []byte(text))) }

// EnterLarge takes the place of the one large body that may be in memory.
func EnterLarge(ctx context.Context, a *API) (leave func(), err error) {
	return a.largeBodies.enter(ctx)
}
