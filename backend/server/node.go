package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dray/backend/rayapi"
)

// nodeIP is this node's address as records and lists give it.
const nodeIP = "127.0.0.1"

// raylet is a node as Ray's control store knows it.
type raylet struct {
	NodeID                     string              `json:"nodeId"`
	State                      string              `json:"state"`
	StateMessage               *string             `json:"stateMessage"`
	IsHeadNode                 bool                `json:"isHeadNode"`
	NodeManagerAddress         string              `json:"nodeManagerAddress"`
	NodeManagerHostname        string              `json:"nodeManagerHostname"`
	DashboardAgentListenPort   int                 `json:"dashboardAgentListenPort"`
	MetricsExportPort          int                 `json:"metricsExportPort"`
	ResourcesTotal             map[string]pyNumber `json:"resourcesTotal"`
	Labels                     map[string]string   `json:"labels"`
	NodeName                   string              `json:"nodeName"`
	StartTimeMs                string              `json:"startTimeMs"`
	EndTimeMs                  string              `json:"endTimeMs"`
	ObjectStoreUsedMemory      int64               `json:"objectStoreUsedMemory"`
	ObjectStoreAvailableMemory int64               `json:"objectStoreAvailableMemory"`
	NumWorkers                 int                 `json:"numWorkers"`
	CoreWorkersStats           []any               `json:"coreWorkersStats"`
}

func (a *API) raylet(n rayapi.NodeState) raylet {
	return raylet{
		NodeID: n.ID, State: "ALIVE", IsHeadNode: true, NodeManagerAddress: nodeIP, NodeManagerHostname: hostName(),
		ResourcesTotal: camelKeys(pyNumbers(n.Total)), Labels: nodeLabels(n), NodeName: nodeIP,
		StartTimeMs: strconv.FormatInt(a.started.UnixMilli(), 10), EndTimeMs: "0", CoreWorkersStats: []any{},
	}
}

func nodeLabels(n rayapi.NodeState) map[string]string {
	return map[string]string{"ray.io/node-id": n.ID}
}

type nodeSummary struct {
	machine
	Raylet raylet `json:"raylet"`
}

// nodes answers the views of the node list.
func (a *API) nodes(w http.ResponseWriter, r *http.Request, _ []string) error {
	n, err := a.cfg.Jobs.Node(r.Context())
	if err != nil {
		return err
	}
	switch view := r.URL.Query().Get("view"); strings.ToLower(view) {
	case "summary":
		node := nodeSummary{a.gauge.look(time.Now()), a.raylet(n)}
		return sendData(w, "Node summary fetched.", map[string]any{
			"summary": []nodeSummary{node}, "nodeLogicalResources": map[string]string{n.ID: strings.Join(usageLines(n), "\n")},
		})
	case "hostnamelist":
		return sendData(w, "Node hostname list fetched.", map[string]any{"hostNameList": []string{hostName()}})
	default:
		if view == "" {
			view = "None"
		}
		return sendJSONStatus(w, http.StatusInternalServerError, envelope{Msg: "Unknown view " + view, Data: struct{}{}})
	}
}

// node answers one node; for one that is not there, as Ray does, with next to
// nothing.
func (a *API) node(w http.ResponseWriter, r *http.Request, args []string) error {
	n, err := a.cfg.Jobs.Node(r.Context())
	if err != nil {
		return err
	}
	const msg = "Node details fetched."
	if args[0] != n.ID {
		return sendData(w, msg, map[string]any{"detail": map[string]any{
			"raylet": map[string]any{"objectStoreUsedMemory": 0, "objectStoreAvailableMemory": 0, "stateMessage": nil},
			"tpus":   []any{}, "actors": map[string]any{}, "workers": []any{},
		}})
	}
	return sendData(w, msg, map[string]any{"detail": struct {
		nodeSummary
		Workers []any          `json:"workers"`
		Actors  map[string]any `json:"actors"`
	}{nodeSummary{a.gauge.look(time.Now()), a.raylet(n)}, []any{}, map[string]any{}}})
}

// stateNode is the node as the state API shows it; the times with detail only.
type stateNode struct {
	NodeID         string              `json:"node_id"`
	NodeIP         string              `json:"node_ip"`
	IsHeadNode     bool                `json:"is_head_node"`
	State          string              `json:"state"`
	StateMessage   *string             `json:"state_message"`
	NodeName       string              `json:"node_name"`
	ResourcesTotal map[string]pyNumber `json:"resources_total"`
	Labels         map[string]string   `json:"labels"`
	*nodeTimes
}

type nodeTimes struct {
	StartTimeMs int64 `json:"start_time_ms"`
	EndTimeMs   int64 `json:"end_time_ms"`
}

func (n stateNode) column(name string) (string, bool) {
	switch name {
	case "node_id":
		return n.NodeID, true
	case "node_ip":
		return n.NodeIP, true
	case "node_name":
		return n.NodeName, true
	case "is_head_node":
		return strconv.FormatBool(n.IsHeadNode), true
	default:
		return n.State, true
	}
}

func (a *API) stateNodes(w http.ResponseWriter, r *http.Request, _ []string) error {
	o, err := parseState(r.URL.Query(), []string{"node_id", "node_ip", "is_head_node", "state", "node_name"})
	if err != nil {
		return inEnvelope(w, err)
	}
	n, err := a.cfg.Jobs.Node(r.Context())
	if err != nil {
		return err
	}
	node := stateNode{
		NodeID: n.ID, NodeIP: nodeIP, IsHeadNode: true, State: "ALIVE", NodeName: nodeIP, ResourcesTotal: pyNumbers(n.Total), Labels: nodeLabels(n),
	}
	if o.detail {
		node.nodeTimes = &nodeTimes{StartTimeMs: a.started.UnixMilli()}
	}
	filtered := []stateNode{}
	if o.match(node.column) {
		filtered = append(filtered, node)
	}
	return sendState(w, 1, len(filtered), filtered[:min(len(filtered), o.limit)])
}

// usageLines says what is used of each resource, as "ray status" does.
func usageLines(n rayapi.NodeState) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(n.Total)) {
		used, total := pyFloat(n.Used[name]), pyFloat(n.Total[name])
		if strings.Contains(name, "memory") {
			used, total = byteText(n.Used[name]), byteText(n.Total[name])
		}
		lines = append(lines, used+"/"+total+" "+name)
	}
	return lines
}

// pyNumber is in JSON as Python writes a float: with a point, by which its
// readers tell it from an integer.
type pyNumber float64

// MarshalJSON writes the number.
func (v pyNumber) MarshalJSON() ([]byte, error) { return []byte(pyFloat(float64(v))), nil }

func pyNumbers(m map[string]float64) map[string]pyNumber {
	out := make(map[string]pyNumber, len(m))
	for k, v := range m {
		out[k] = pyNumber(v)
	}
	return out
}

// pyFloat is a number as Python prints it.
func pyFloat(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func byteText(v float64) string {
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if v >= unit.bytes {
			return fmt.Sprintf("%.2f%s", v/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%dB", int64(v))
}
