package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"dray/backend/rayapi"
)

func (a *API) health(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return healthy(w, "success")
}

func (a *API) nodeHealth(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return healthy(w, "raylet: success\ngcs: success")
}

func healthy(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "application/text")
	_, _ = io.WriteString(w, text)
	return nil
}

// activity is one component's entry in the answer of component_activities.
type activity struct {
	IsActive       string   `json:"is_active"`
	Reason         *string  `json:"reason"`
	Timestamp      float64  `json:"timestamp"`        // seconds
	LastActivityAt *float64 `json:"last_activity_at"` // seconds
}

// activities tells whether any job is left to do. KubeRay asks before it takes
// a cluster down, so a job that waits counts as well.
func (a *API) activities(w http.ResponseWriter, r *http.Request, _ []string) error {
	active, lastEnd := 0, int64(0)
	err := a.cfg.Jobs.Rows(r.Context(), func(row []byte) error {
		var job struct {
			Status  rayapi.Status `json:"status"`
			EndTime int64         `json:"end_time"`
		}
		if err := json.Unmarshal(row, &job); err != nil {
			return fmt.Errorf("read a record: %w", err)
		}
		if !job.Status.IsTerminal() {
			active++
		}
		lastEnd = max(lastEnd, job.EndTime)
		return nil
	})
	if err != nil {
		return err
	}
	driver := activity{IsActive: "INACTIVE", Timestamp: seconds(time.Now().UnixMilli())}
	if active > 0 {
		reason := fmt.Sprintf("Number of active drivers: %d", active)
		driver.IsActive, driver.Reason = "ACTIVE", &reason
	}
	if lastEnd > 0 {
		at := seconds(lastEnd)
		driver.LastActivityAt = &at
	}
	return sendJSON(w, map[string]activity{"driver": driver})
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
