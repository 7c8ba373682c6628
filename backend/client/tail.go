package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// tail is one connection to a job's log socket.
type tail struct {
	conn *websocket.Conn
	// ctx is that of every read and ends with close: one message is read over
	// several calls of next, whose own contexts may end in between.
	ctx    context.Context
	cancel context.CancelFunc
	msg    io.Reader // the message that is being read, or nil
	buf    []byte
	// The last read may have cut a character; its beginning waits here.
	held  [utf8.UTFMax]byte
	nHeld int
}

// openTail connects to the log socket. ctx bounds the handshake alone.
func (c *Client) openTail(ctx context.Context, op, id string) (*tail, error) {
	ctx, cancel := withTimeout(ctx, slowTimeout)
	defer cancel()
	address := c.base + "/api/jobs/" + url.PathEscape(id) + "/logs/tail"
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // the connection owns it
		HTTPClient: c.http,
		HTTPHeader: c.header,
		// A head agrees to compress and then sends nothing.
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, c.refusedTail(ctx, op, resp, err)
	}
	conn.SetReadLimit(-1) // a message is read in pieces
	t := &tail{conn: conn, buf: make([]byte, textBuffer)}
	t.ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return t, nil
}

// refusedTail finds the reason for a failed handshake, which is in the body.
func (c *Client) refusedTail(ctx context.Context, op string, resp *http.Response, err error) error {
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return c.check(ctx, op, resp, err)
	}
	if err := c.check(ctx, op, resp, nil); err != nil {
		return err
	}
	return c.broken(ctx, op, nil) // 200 to a handshake
}

// next returns the next run of the log's bytes, valid until the call after it.
// Characters are kept whole. It waits as long as the job is silent; when ctx
// ends, so does the connection.
func (t *tail) next(ctx context.Context) ([]byte, error) {
	defer context.AfterFunc(ctx, t.cancel)()
	for {
		if t.msg == nil {
			kind, msg, err := t.conn.Reader(t.ctx)
			if err != nil {
				return nil, err
			}
			if kind != websocket.MessageText { // as Ray's own client does
				if _, err := io.Copy(io.Discard, msg); err != nil {
					return nil, err
				}
				continue
			}
			t.msg = msg
		}
		text, err := t.piece()
		if err != nil {
			return nil, err
		}
		if len(text) > 0 {
			return text, nil
		}
	}
}

// piece reads from the current message. It may return nothing.
func (t *tail) piece() ([]byte, error) {
	start := copy(t.buf, t.held[:t.nHeld])
	t.nHeld = 0
	n, err := t.msg.Read(t.buf[start:])
	n += start
	switch {
	case errors.Is(err, io.EOF):
		t.msg = nil
		return t.buf[:n], nil
	case err != nil:
		return nil, err
	}
	cut := n - partialRune(t.buf[:n])
	t.nHeld = copy(t.held[:], t.buf[cut:n])
	return t.buf[:cut], nil
}

// close drops the connection: a head that streams reads nothing, so a polite
// close would wait for the job's end.
func (t *tail) close() {
	t.cancel()
	_ = t.conn.CloseNow()
}

// partialRune returns how many bytes at the end of p are the beginning of a
// character.
func partialRune(p []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if b := p[len(p)-i]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

// closeReason puts the end of a connection into words.
func closeReason(err error) string {
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce) && ce.Reason != "":
		return fmt.Sprintf("closed with %d: %s", ce.Code, oneLine(ce.Reason))
	case errors.As(err, &ce):
		return fmt.Sprintf("closed with %d", ce.Code)
	case errors.Is(err, io.EOF), strings.Contains(err.Error(), "EOF"):
		return "the connection was dropped"
	}
	return "the connection broke"
}
