package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// clusterID is 56 hex digits that are the same as long as the session is.
func (a *API) clusterID(w http.ResponseWriter, _ *http.Request, _ []string) error {
	sum := sha256.Sum224([]byte("cluster\x00" + a.cfg.Version.SessionName))
	return sendData(w, "Fetched cluster id", map[string]string{"clusterId": hex.EncodeToString(sum[:])})
}

// usageStats tells that nothing is reported to anybody.
func (a *API) usageStats(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendData(w, "Fetched usage stats enabled", map[string]bool{"usageStatsEnabled": false, "usageStatsPromptEnabled": false})
}

// clusterMetadata leaves the Python version empty: jobs run whichever they
// find.
func (a *API) clusterMetadata(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendData(w, "", map[string]any{"rayVersion": a.cfg.Version.RayVersion, "pythonVersion": "", "rayInitCluster": false})
}

// profiling tells that there are no workers to profile. The defaults are what
// the form of a dashboard starts with.
func (a *API) profiling(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendData(w, "", map[string]any{"profilingEnabled": false, "profilingDefaults": map[string]any{
		"native": false, "subprocesses": false, "idle": false, "leaks": false, "tracePythonAllocators": false,
		"cpuDuration": 5, "memoryDuration": 10, "maxDuration": 60,
		"cpuFormat": "flamegraph", "memoryFormat": "flamegraph", "pyspyNativeSupported": false,
	}})
}

// redaction tells what a browser gets to see of env_vars: nothing.
func (a *API) redaction(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendData(w, "", map[string]bool{"redactionEnabled": true})
}

// events answers that none were recorded.
func (a *API) events(w http.ResponseWriter, r *http.Request, _ []string) error {
	if id := r.URL.Query().Get("job_id"); id != "" {
		return sendData(w, "Job events fetched.", map[string]any{"jobId": id, "events": []any{}})
	}
	return sendData(w, "All events fetched.", map[string]any{"events": map[string]any{}})
}

type timezone struct {
	Offset *string `json:"offset"`
	Value  *string `json:"value"`
}

// timezone tells this machine's; both are null when its name is not known.
func (a *API) timezone(w http.ResponseWriter, _ *http.Request, _ []string) error {
	now := time.Now()
	name := zoneName(now)
	if name == "" {
		return sendJSON(w, timezone{})
	}
	offset := now.Format("-07:00")
	return sendJSON(w, timezone{Offset: &offset, Value: &name})
}

func zoneName(now time.Time) string {
	name := strings.TrimPrefix(os.Getenv("TZ"), ":")
	if name == "" {
		path, err := filepath.EvalSymlinks("/etc/localtime")
		if err != nil {
			return ""
		}
		_, name, _ = strings.Cut(path, "/zoneinfo/")
	}
	if _, offset := now.Zone(); offset == 0 && (!strings.Contains(name, "/") || strings.HasSuffix(name, "UTC")) {
		return "Europe/London" // the only place that Ray knows there
	}
	return name
}

// hostName is this machine's name; "" when it has none.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
