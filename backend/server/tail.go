package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"dray/backend/logfile"
	"dray/backend/rayapi"
)

const (
	// maxFrame keeps below the smallest read limit that clients come with:
	// 32 KiB in Go's, 4 MiB in Python's.
	maxFrame = 32 << 10

	// maxClientFrame bounds what a client may send; it has nothing to say.
	maxClientFrame = 4 << 10

	writeTimeout = 30 * time.Second
	pingEvery    = 20 * time.Second
)

// What ends a tail before the log does.
var (
	errPeerGone = errors.New("the follower has gone")
	errClosing  = errors.New("the server is closing")
)

// tail sends the log as text frames from its first byte on, and closes with
// 1000 when the log is final and all of it was sent. Any other end has another
// code or none, because Ray's clients take 1000 for "that was all".
func (a *API) tail(w http.ResponseWriter, r *http.Request, args []string) error {
	id := args[0]
	src, err := a.cfg.Jobs.Log(r.Context(), id)
	if err != nil {
		return missing(err, id)
	}
	if !wantsWebSocket(r) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		return &statusError{http.StatusUpgradeRequired, "This path is a WebSocket: connect with ws://, or GET /api/jobs/" + id + "/logs."}
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	leave, err := a.followers.join(id, cancel)
	if err != nil {
		return err
	}
	defer leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		CompressionMode:    websocket.CompressionDisabled,
		InsecureSkipVerify: true, // Guard refuses every request that has an Origin
	})
	if err != nil {
		return nil //nolint:nilerr // Accept has answered
	}
	conn.SetReadLimit(maxClientFrame)
	a.serveFollower(ctx, cancel, conn, src)
	return nil
}

func wantsWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Connection"), ",")), "upgrade")
}

// serveFollower sends the log and closes conn. Its two goroutines end when
// conn is closed, and it waits for them.
func (a *API) serveFollower(ctx context.Context, cancel context.CancelCauseFunc, conn *websocket.Conn, src logfile.Source) {
	// These contexts do not end with ctx: a read or write that is cancelled
	// tears the connection down, and the follower would miss its close code.
	lasting := context.WithoutCancel(ctx)
	var side sync.WaitGroup
	side.Go(func() {
		ignoreFrames(lasting, conn)
		cancel(errPeerGone)
	})
	side.Go(func() { keepAlive(ctx, conn) })
	err := a.sendLog(ctx, conn, src)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	cancel(nil)
	a.closeTail(conn, src.Path(), err)
	_ = conn.CloseNow() // does nothing after a finished close
	side.Wait()
}

// ignoreFrames reads what the follower sends, which also answers its pings,
// until the connection ends.
func ignoreFrames(ctx context.Context, conn *websocket.Conn) {
	for {
		_, r, err := conn.Reader(ctx)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return
		}
	}
}

// keepAlive pings, so that what lies between does not take a quiet log for a
// dead connection. A pong that does not come ends nothing: a client that is
// paused, say by a pager, answers late. It ends with ctx or the connection.
func keepAlive(ctx context.Context, conn *websocket.Conn) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pingCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		err := conn.Ping(pingCtx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
	}
}

// sendLog returns nil when all of a final log was sent.
func (a *API) sendLog(ctx context.Context, conn *websocket.Conn, src logfile.Source) error {
	var text logfile.Text
	var buf []byte
	send := func(valid []byte) error {
		for len(valid) > 0 {
			n := frameEnd(valid, maxFrame)
			if err := sendFrame(ctx, conn, valid[:n]); err != nil {
				return err
			}
			a.metrics.logBytes.Add(float64(n))
			valid = valid[n:]
		}
		return nil
	}
	err := logfile.Follow(ctx, src, 0, func(p []byte) error {
		buf = text.Append(buf[:0], p)
		return send(buf)
	})
	if err != nil {
		return err
	}
	return send(text.Flush(buf[:0]))
}

func sendFrame(ctx context.Context, conn *websocket.Conn, frame []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
		return fmt.Errorf("%w: %w", errPeerGone, err)
	}
	return nil
}

// frameEnd returns the length of the first frame of valid UTF-8 text: at most
// limit bytes, ending with a line if one ends there, else between characters.
func frameEnd(text []byte, limit int) int {
	if len(text) <= limit {
		return len(text)
	}
	for i := limit; i > 0; i-- {
		if text[i-1] == '\n' {
			return i
		}
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return end
}

// closeTail tells the follower by the close code how its tail ended.
func (a *API) closeTail(conn *websocket.Conn, path string, err error) {
	switch {
	case err == nil, errors.Is(err, logfile.ErrGone): // as Ray ends the tail of a deleted job
		_ = conn.Close(websocket.StatusNormalClosure, "")
	case errors.Is(err, errPeerGone):
	case errors.Is(err, errClosing), errors.Is(err, context.Canceled), errors.Is(err, rayapi.ErrUnavailable):
		_ = conn.Close(websocket.StatusTryAgainLater, "the server is closing")
	default:
		a.cfg.Log.Error("follow a log", "path", path, "err", err)
		_ = conn.Close(websocket.StatusInternalError, "the log cannot be read")
	}
}
