package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"dray/backend/logfile"
	"dray/backend/rayapi"
)

const logBlock = 64 << 10

// snapshot is a log as long as it was at one moment. Close it.
type snapshot struct {
	*io.SectionReader
	final bool
	time  time.Time // of the last write
	file  *os.File  // nil when nothing was written
}

func (s *snapshot) Close() {
	if s.file != nil {
		s.file.Close()
	}
}

// openLog opens the log of job id.
func (a *API) openLog(ctx context.Context, id string) (*snapshot, error) {
	src, err := a.cfg.Jobs.Log(ctx, id)
	if err != nil {
		return nil, missing(err, id)
	}
	st, err := src.State(ctx)
	if err != nil {
		return nil, missing(err, id)
	}
	if st.Gone {
		return nil, rayapi.NotFoundError(id)
	}
	f, err := os.Open(src.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return &snapshot{SectionReader: io.NewSectionReader(eofReader{}, 0, 0), final: st.Final}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the log of job %s: %w", id, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("look at the log of job %s: %w", id, err)
	}
	size := info.Size()
	if st.Final {
		size = min(size, st.Size)
	}
	return &snapshot{SectionReader: io.NewSectionReader(f, 0, size), final: st.Final, time: info.ModTime(), file: f}, nil
}

type eofReader struct{}

func (eofReader) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

// logs streams the log as one JSON string, whatever its size. A character that
// a running job has written half of is left out; the next request has it.
func (a *API) logs(w http.ResponseWriter, r *http.Request, args []string) error {
	log, err := a.openLog(r.Context(), args[0])
	if err != nil {
		return err
	}
	defer log.Close()
	jsonHeader(w)
	if r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(w, logBlock)
	_, _ = out.WriteString(`{"logs": "`)
	if err := writeEscaped(out, log); err != nil {
		a.abort(r, "send a log", err)
	}
	_, _ = out.WriteString(`"}`)
	_ = out.Flush() // an error here means that the client has gone
	return nil
}

// writeEscaped writes the text of log as the inside of a JSON string.
func writeEscaped(out io.Writer, log *snapshot) error {
	var text logfile.Text
	block := make([]byte, logBlock)
	var valid, escaped []byte
	for {
		n, err := log.Read(block)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return fmt.Errorf("read the log: %w", err)
		}
		valid = text.Append(valid[:0], block[:n])
		if end && log.final {
			valid = text.Flush(valid)
		}
		escaped = appendEscaped(escaped[:0], valid)
		if _, err := out.Write(escaped); err != nil || end {
			return err
		}
	}
}

// appendEscaped appends valid UTF-8 as the inside of a JSON string.
func appendEscaped(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(dst, text[from:]...)
}

// rawLog sends the log's bytes as they are; Range works. Only a log that is
// final has an entity tag: one that grows is another with every byte, so that
// If-Range must send all of it and If-None-Match must not call it known.
func (a *API) rawLog(w http.ResponseWriter, r *http.Request, args []string) error {
	log, err := a.openLog(r.Context(), args[0])
	if err != nil {
		return err
	}
	defer log.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	if log.final {
		w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, log.Size(), log.time.UnixNano()))
	}
	http.ServeContent(w, r, "", time.Time{}, log.SectionReader)
	return nil
}
