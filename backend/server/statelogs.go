package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"dray/backend/logfile"
	"dray/backend/rayapi"
)

// Ray's name for a job's log file.
const (
	logPrefix = "job-driver-"
	logSuffix = ".log"
)

// defaultLogLines is how many last lines of a log are shown unless told.
const defaultLogLines = 1000

// stateLogs lists the log files of this node, which are those of jobs.
func (a *API) stateLogs(w http.ResponseWriter, r *http.Request, _ []string) error {
	v := r.URL.Query()
	id, ip, glob := v.Get("node_id"), v.Get("node_ip"), v.Get("glob")
	if id == "" && ip == "" {
		return sendRefusal(w, http.StatusBadRequest, "Both node id and node ip are not provided. Please provide at least one of them.")
	}
	n, err := a.cfg.Jobs.Node(r.Context())
	if err != nil {
		return err
	}
	if id != "" && id != n.ID || ip != "" && ip != nodeIP {
		return sendRefusal(w, http.StatusNotFound, fmt.Sprintf("There is no such node: the only one is %s, %s.", n.ID, nodeIP))
	}
	if glob == "" {
		glob = "*"
	}
	if _, err := path.Match(glob, ""); err != nil {
		return sendRefusal(w, http.StatusBadRequest, fmt.Sprintf("glob=%q is not a pattern.", glob))
	}
	files := []string{}
	err = a.cfg.Jobs.Rows(r.Context(), func(row []byte) error {
		var job struct {
			ID string `json:"submission_id"`
		}
		if err := json.Unmarshal(row, &job); err != nil {
			return fmt.Errorf("read a record: %w", err)
		}
		name := logPrefix + job.ID + logSuffix
		if ok, _ := path.Match(glob, name); ok {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return sendData(w, "", map[string]any{"result": map[string][]string{"internal": files}})
}

// stateLog sends a log's last lines as they are; as a stream it goes on until
// the log is final, or the client goes.
func (a *API) stateLog(w http.ResponseWriter, r *http.Request, args []string) error {
	media := args[0]
	if media != "file" && media != "stream" {
		return &statusError{http.StatusNotFound, "404: Not Found"}
	}
	v := r.URL.Query()
	id := v.Get("submission_id")
	if name, ok := strings.CutPrefix(v.Get("filename"), logPrefix); ok && id == "" {
		id = strings.TrimSuffix(name, logSuffix)
	}
	if id == "" {
		return badRequest("Logs are found by submission_id here: there are no actors, tasks or other files.")
	}
	lines := defaultLogLines
	if text := v.Get("lines"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < -1 {
			return badRequest("lines=%q is neither a whole number nor -1, for all.", text)
		}
		lines = n
	}
	log, err := a.openLog(r.Context(), id)
	if err != nil {
		return err
	}
	defer log.Close()
	from, err := lastLines(log, log.Size(), lines)
	if err != nil {
		return fmt.Errorf("read the log of job %s: %w", id, err)
	}
	if media == "stream" {
		return a.streamLog(w, r, id, from)
	}
	logHeader(w, v.Get("download_filename"))
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(w, io.NewSectionReader(log, from, log.Size()-from)); err != nil {
		a.abort(r, "send a log", err)
	}
	return nil
}

func logHeader(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "text/plain")
	if name == "" {
		name = "file.txt"
	}
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			return '_'
		}
		return c
	}, name)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// streamLog follows the log of job id from an offset on.
func (a *API) streamLog(w http.ResponseWriter, r *http.Request, id string, from int64) error {
	src, err := a.cfg.Jobs.Log(r.Context(), id)
	if err != nil {
		return missing(err, id)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	leave, err := a.followers.join(id, cancel)
	if err != nil {
		return err
	}
	defer leave()
	logHeader(w, r.URL.Query().Get("download_filename"))
	if r.Method == http.MethodHead {
		return nil
	}
	conn := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	_ = conn.Flush() // the client shall see that it follows
	err = logfile.Follow(ctx, src, from, func(p []byte) error {
		if _, err := w.Write(p); err != nil {
			return err
		}
		return conn.Flush()
	})
	if err != nil && !errors.Is(err, logfile.ErrGone) && !errors.Is(err, rayapi.ErrNotFound) {
		a.abort(r, "follow a log", err)
	}
	return nil
}

// lastLines returns where the last n lines begin; n of -1 is all. A newline at
// the very end ends the last line and begins none.
func lastLines(f io.ReaderAt, size int64, n int) (int64, error) {
	if n < 0 {
		return 0, nil
	}
	if n == 0 {
		return size, nil
	}
	block := make([]byte, logBlock)
	for end := size; end > 0; {
		begin := max(0, end-logBlock)
		p := block[:end-begin]
		if _, err := f.ReadAt(p, begin); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for {
			i := bytes.LastIndexByte(p, '\n')
			if i < 0 {
				break
			}
			if begin+int64(i) < size-1 {
				n--
			}
			if n == 0 {
				return begin + int64(i) + 1, nil
			}
			p = p[:i]
		}
		end = begin
	}
	return 0, nil
}
