package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"dray/backend/rayapi"
)

// clusterStatus answers how much of the cluster is in use: as an object, or
// with format=1 as the text of "ray status".
func (a *API) clusterStatus(w http.ResponseWriter, r *http.Request, _ []string) error {
	n, err := a.cfg.Jobs.Node(r.Context())
	if err != nil {
		return err
	}
	now := time.Now()
	if r.URL.Query().Get("format") == "1" {
		return sendData(w, "Got formatted cluster status.", map[string]string{"clusterStatus": statusText(n, now)})
	}
	return sendData(w, "Got cluster status.", map[string]any{
		"autoscalingStatus": nil, "autoscalingError": nil, "clusterStatus": a.statusObject(n, now),
	})
}

// statusObject is what Ray's autoscaler reports of a cluster of one node. The
// names in nodeTypes and resourceDemand stay as they are, because Ray does not
// reach into lists of lists.
func (a *API) statusObject(n rayapi.NodeState, now time.Time) map[string]any {
	usage := map[string][2]pyNumber{}
	for name, total := range n.Total {
		usage[camel(name)] = [2]pyNumber{pyNumber(n.Used[name]), pyNumber(total)}
	}
	nodeType := "node_" + n.ID
	demand := make([][2]any, 0, len(n.Demands))
	for _, d := range n.Demands {
		demand = append(demand, [2]any{pyNumbers(d.Resources), d.Jobs})
	}
	return map[string]any{
		"time": seconds(now.UnixMilli()), "gcsRequestTime": 0.0, "monitorPid": os.Getpid(),
		"autoscalerUpdateTime": 0.0, "nonTerminatedNodesTime": 0.0,
		"loadMetricsReport": map[string]any{
			"usage": usage, "resourceDemand": demand, "pgDemand": []any{}, "requestDemand": []any{},
			"nodeTypes": [][2]any{{pyNumbers(n.Total), 1}}, "usageByNode": map[string]any{n.ID: usage},
			"headIp": nil, "nodeTypeMapping": nil, "idleTimeMap": nil,
		},
		"autoscalerReport": map[string]any{
			"activeNodes": map[string]int{camel(nodeType): 1}, "idleNodes": nil, "pendingNodes": []any{},
			"pendingLaunches": struct{}{}, "failedNodes": []any{}, "pendingResources": struct{}{},
			"nodeAvailabilitySummary": map[string]any{"nodeAvailabilities": struct{}{}},
			"nodeActivities":          nil, "nodeTypeMapping": map[string]string{n.ID: nodeType}, "legacy": true,
		},
	}
}

func statusText(n rayapi.NodeState, now time.Time) string {
	rule := strings.Repeat("-", 63)
	lines := []string{
		fmt.Sprintf("======== Autoscaler status: %s ========", now.Format("2006-01-02 15:04:05.000000")),
		"Node status", rule, "Active:", " 1 node_" + n.ID,
		"Pending:", " (no pending nodes)", "Recent failures:", " (no failures)", "",
		"Resources", rule, "Total Usage:",
	}
	for _, line := range usageLines(n) {
		lines = append(lines, " "+line)
	}
	lines = append(lines, "", "From request_resources:", " (none)", "Pending Demands:")
	for _, d := range n.Demands {
		lines = append(lines, fmt.Sprintf(" %s: %d+ pending tasks/actors", pyDict(d.Resources), d.Jobs))
	}
	if len(n.Demands) == 0 {
		lines = append(lines, " (no resource demands)")
	}
	return strings.Join(lines, "\n")
}

// pyDict is a dictionary as Python prints it.
func pyDict(m map[string]float64) string {
	parts := make([]string, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("'%s': %s", strings.ReplaceAll(name, "'", `\'`), pyFloat(m[name])))
	}
	return "{" + strings.Join(parts, ", ") + "}"
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
