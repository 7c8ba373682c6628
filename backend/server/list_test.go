package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
)

func TestList_query(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		want  rayapi.JobQuery
	}{
		{"limit=5", rayapi.JobQuery{Limit: 5}},
		{"after=raysubmit_x", rayapi.JobQuery{After: "raysubmit_x"}},
		{"q=a%20b%22", rayapi.JobQuery{Text: `a b"`}},
		{"status=failed", rayapi.JobQuery{Statuses: []rayapi.Status{"FAILED"}}},
		{"status=FAILED,PENDING&status=STOPPED", rayapi.JobQuery{Statuses: []rayapi.Status{"FAILED", "PENDING", "STOPPED"}}},
		{"limit=10000&q=x&status=,RUNNING,", rayapi.JobQuery{Limit: 10000, Text: "x", Statuses: []rayapi.Status{"RUNNING"}}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			var got rayapi.JobQuery
			api := newAPI(&fakeJobs{page: func(q rayapi.JobQuery, yield func([]byte) error) (string, error) {
				got = q
				return "", yield([]byte(`{"n":1}`))
			}})
			if a := ask(t, api, "GET", "/api/jobs/?"+tt.query, ""); a.status != 200 || a.body != `[{"n": 1}]` || a.header.Get("Link") != "" {
				t.Errorf("answer = %d %q %q", a.status, a.body, a.header.Get("Link"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, query := range []string{"", "limit=", "unknown=1", "status="} {
		t.Run("as Ray: "+query, func(t *testing.T) {
			t.Parallel()
			api := newAPI(&fakeJobs{rows: func(yield func([]byte) error) error { return yield([]byte(`{"all":1}`)) }})
			if a := ask(t, api, "GET", "/api/jobs/?"+query, ""); a.body != `[{"all": 1}]` {
				t.Errorf("answer = %d %q", a.status, a.body)
			}
		})
	}
}

func TestList_badQuery(t *testing.T) {
	t.Parallel()
	api := newAPI(&fakeJobs{page: func(rayapi.JobQuery, func([]byte) error) (string, error) {
		return "", rayapi.InvalidError("after means nothing.")
	}})
	for query, want := range map[string]string{
		"limit=0": "from 1 to 10000", "limit=-1": "from 1 to 10000", "limit=10001": "from 1 to 10000", "limit=ten": "from 1 to 10000",
		"status=DONE": "none of PENDING", "status=FAILED,x": "none of PENDING", "after=x": "after means nothing.",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := ask(t, api, method, "/api/jobs/?"+query, "")
			if query == "after=x" && method == http.MethodHead {
				continue // only asking the store would tell
			}
			if a.status != 400 || !strings.Contains(a.body, want) {
				t.Errorf("%s %s = %d %q, want 400 with %q", method, query, a.status, a.body, want)
			}
		}
	}
}

// Whoever goes where the Link header leads sees every job once.
func TestList_link(t *testing.T) {
	t.Parallel()
	const total = 7
	api := newAPI(&fakeJobs{page: func(q rayapi.JobQuery, yield func([]byte) error) (string, error) {
		from := 0
		if q.After != "" {
			from, _ = strconv.Atoi(strings.TrimPrefix(q.After, "seq:"))
		}
		to := min(total, from+q.Limit)
		for i := from; i < to; i++ {
			if err := yield([]byte(strconv.Itoa(i))); err != nil {
				return "", err
			}
		}
		if to == total {
			return "", nil
		}
		return "seq:" + strconv.Itoa(to), nil
	}})
	var pages []string
	target := "/api/jobs/?limit=3&q=" + url.QueryEscape("a&b") + "&status=FAILED&status=STOPPED"
	for target != "" {
		a := ask(t, api, "GET", target, "")
		pages = append(pages, a.body)
		link, found := strings.CutSuffix(a.header.Get("Link"), `>; rel="next"`)
		target = strings.TrimPrefix(link, "<")
		if found && (!strings.Contains(target, "q=a%26b") || strings.Count(target, "status=") != 2) {
			t.Fatalf("the link loses parameters: %s", target)
		}
	}
	if want := []string{"[0, 1, 2]", "[3, 4, 5]", "[6]"}; !slices.Equal(pages, want) {
		t.Errorf("pages = %v, want %v", pages, want)
	}
}
