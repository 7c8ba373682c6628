//go:build linux

package backend_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dray/backend"
	"dray/backend/jobs"
	"dray/backend/rayapi"
)

// A guest prunes through the backend; a port does not.
func TestHost_prune(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	holder, c := open(t, state)
	defer shut(t, holder)
	guest, _ := open(t, state)
	defer shut(t, guest)
	for _, id := range []string{"first", "pinned", "second", "third"} {
		r := rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "echo " + id}
		if id == "pinned" {
			r.Metadata = map[string]string{jobs.MetaPin: "true"}
		}
		submit(t, c, state, r)
		ended(t, c, id)
	}
	ids := func(gone []jobs.Pruned) []string {
		var all []string
		for _, p := range gone {
			all = append(all, p.ID)
		}
		return all
	}
	for _, dry := range []bool{true, false} {
		gone, err := guest.Prune(t.Context(), jobs.PruneOptions{MaxCount: 1, DryRun: dry})
		if want := []string{"second", "first"}; err != nil || !slices.Equal(ids(gone), want) || gone[0].Bytes == 0 || gone[0].Reason == "" {
			t.Fatalf("dry %t: Prune() = %+v, %v, want %v", dry, gone, err, want)
		}
	}
	list, err := c.List(t.Context())
	if err != nil || len(list) != 2 {
		t.Errorf("%d jobs are left, %v", len(list), err)
	}
	if gone, err := guest.Prune(t.Context(), jobs.PruneOptions{}); err != nil || len(gone) > 0 {
		t.Errorf("with the bounds of the backend: %+v, %v", gone, err)
	}
	for _, bad := range []struct {
		method, body string
		status       int
	}{{http.MethodGet, "", http.StatusMethodNotAllowed}, {http.MethodPost, `{"max_agee":1}`, http.StatusBadRequest}} {
		if code, body := raw(t, holder.Endpoint(), bad.method, "/dray/v1/prune", strings.NewReader(bad.body)); code != bad.status {
			t.Errorf("%s %s: %d %s", bad.method, bad.body, code, body)
		}
	}
	for name, host := range map[string]*backend.Host{"the backend": holder, "a guest, which passes requests on": guest} {
		for _, path := range []string{"/dray/v1/prune", "/dray%2Fv1/prune", "http://127.0.0.1/dray/v1/prune", "//dray/v1/prune", "/dray/v1/../v1/prune"} {
			w := httptest.NewRecorder()
			host.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}")))
			if w.Code != http.StatusNotFound {
				t.Errorf("the handler that ports of %s serve answers %s with %d: %s", name, path, w.Code, w.Body)
			}
		}
	}
}
