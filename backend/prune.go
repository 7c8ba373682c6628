//go:build linux

package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"dray/backend/jobs"
	"dray/backend/rayapi"
)

// prunePath is on the socket alone: no port serves it, and it is no part of
// Ray's API.
const prunePath = "/dray/v1/prune"

// maxPruneBody bounds a request, which is a few numbers.
const maxPruneBody = 4096

// private is what the socket serves: the API, and what only processes of this
// user may do.
func (h *holder) private() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPrivate(r) {
			h.servePrune(w, r)
			return
		}
		h.api.ServeHTTP(w, r)
	})
}

// isPrivate tells the requests that a port must not pass on to the socket.
func isPrivate(r *http.Request) bool { return r.URL.Path == prunePath }

// pruneAnswer is what became of a request to prune. Jobs that were removed
// before an error are told as well.
type pruneAnswer struct {
	Jobs  []jobs.Pruned `json:"jobs"`
	Error string        `json:"error,omitempty"`
}

func (h *holder) servePrune(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "prune takes POST", http.StatusMethodNotAllowed)
		return
	}
	var o jobs.PruneOptions
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPruneBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		http.Error(w, "the options cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	gone, err := h.manager.Prune(r.Context(), o)
	answer := pruneAnswer{Jobs: gone}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		answer.Error = err.Error()
		status := http.StatusInternalServerError
		if errors.Is(err, rayapi.ErrUnavailable) {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone does not read it
}

// Prune removes jobs that are over and beyond the bounds, in whichever process
// is the backend; see jobs.Manager.Prune.
func (h *Host) Prune(ctx context.Context, o jobs.PruneOptions) ([]jobs.Pruned, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+prunePath, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	transport := &http.Transport{DialContext: h.dial}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil, errors.New("prune: the process that is the backend is an older version, which cannot: end it and try again")
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("prune: read the answer: %w", err)
	}
	var answer pruneAnswer
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("prune: the backend answers %s: %.200s", resp.Status, data)
	}
	if answer.Error != "" {
		return answer.Jobs, errors.New("prune: " + answer.Error)
	}
	return answer.Jobs, nil
}
