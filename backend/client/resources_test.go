package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResources(t *testing.T) {
	t.Parallel()
	const text = "======== Autoscaler status: 2026-11-23 ========\nNode status\nActive:\n 1 node_1\nResources\n---------------------------------------------------------------\n" +
		"Total Usage:\n 3.5/8.0 CPU\n 0.0/2.0 GPU\n 0B/25.75GiB memory\n 1.00KiB/2.00MiB object_store_memory\n\nFrom request_resources:\n (none)\nPending Demands:\n {'CPU': 1.0}: 3+ pending tasks/actors\n"
	want := []Resource{{"CPU", 3.5, 8}, {"GPU", 0, 2}, {"memory", 0, 25.75 * 1024 * 1024 * 1024}, {"object_store_memory", 1024, 2 * 1024 * 1024}}
	tests := []struct {
		name, plain, text string
		want              []Resource
	}{
		{
			"object", `{"result":true,"data":{"clusterStatus":{"loadMetricsReport":{"usage":{"GPU":[0,2],"CPU":[3.5,8.0],"memory":[0,27648851968],"objectStoreMemory":[1024,2097152],"node:1InternalHead":[0,1]}}}}}`, "", want,
		},
		{"text only", `{"data":{"clusterStatus":null}}`, text, want},
		{"not yet", `{"data":{"clusterStatus":null}}`, "No cluster status. It may take a few seconds for the Ray internal services to start up.", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("format") == "1" {
					_, _ = io.WriteString(w, `{"data":{"clusterStatus":`+strconv.Quote(tt.text)+`}}`)
					return
				}
				_, _ = io.WriteString(w, tt.plain)
			}))
			t.Cleanup(srv.Close)
			c, err := New(Endpoint{BaseURL: srv.URL})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			got, err := c.Resources(t.Context())
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("error %v, resources differ: %s", err, diff)
			}
		})
	}
}
