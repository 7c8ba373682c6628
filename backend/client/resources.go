package client

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Resource is what a cluster has of one kind. Memory is in bytes.
type Resource struct {
	Name        string // "CPU", "GPU", "memory"; of custom ones Ray gives the name changed: "myGpu" for "my_GPU"
	Used, Total float64
}

// clusterStatus is the part of GET /api/cluster_status that tells of
// resources: an object, or with format=1 the text of `ray status`.
type clusterStatus[T any] struct {
	Data struct {
		ClusterStatus T `json:"clusterStatus"`
	} `json:"data"`
}

type loadReport struct {
	LoadMetricsReport struct {
		Usage map[string][]float64 `json:"usage"`
	} `json:"loadMetricsReport"`
}

// Resources returns what the cluster has and how much of it is taken, by name.
// It is empty when the server does not tell yet.
func (c *Client) Resources(ctx context.Context) ([]Resource, error) {
	const op, path = "ask for the cluster's resources", "/api/cluster_status"
	var plain clusterStatus[*loadReport]
	if err := c.answer(ctx, call{op: op, method: http.MethodGet, path: path}, answerTimeout, &plain); err != nil {
		return nil, err
	}
	if plain.Data.ClusterStatus != nil {
		return resourcesOf(plain.Data.ClusterStatus.LoadMetricsReport.Usage), nil
	}
	// The autoscaler's second version writes no object, only the text.
	var text clusterStatus[string]
	if err := c.answer(ctx, call{op: op, method: http.MethodGet, path: path, query: map[string][]string{"format": {"1"}}}, answerTimeout, &text); err != nil {
		return nil, err
	}
	return resourcesIn(text.Data.ClusterStatus), nil
}

func resourcesOf(usage map[string][]float64) []Resource {
	found := make([]Resource, 0, len(usage))
	for name, pair := range usage {
		if len(pair) == 2 && !strings.HasPrefix(name, "node:") {
			if name == "objectStoreMemory" {
				name = "object_store_memory"
			}
			found = append(found, Resource{Name: name, Used: pair[0], Total: pair[1]})
		}
	}
	return sorted(found)
}

// usageLine is one line of `ray status`: " 0.0/8.0 CPU", " 0B/25.75GiB memory".
var usageLine = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
	return regexp.MustCompile(`^\s*([0-9.]+)([KMGTP]?i?B)?/([0-9.]+)([KMGTP]?i?B)? (\S+)\s*$`)
})

func resourcesIn(status string) []Resource {
	var found []Resource
	inUsage := false
	for line := range strings.Lines(status) {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "Usage:" || trimmed == "Total Usage:":
			inUsage = true
		case strings.HasSuffix(trimmed, ":"):
			inUsage = false
		}
		m := usageLine().FindStringSubmatch(line)
		if !inUsage || m == nil {
			continue
		}
		found = append(found, Resource{Name: m[5], Used: amount(m[1], m[2]), Total: amount(m[3], m[4])})
	}
	return sorted(found)
}

func amount(number, unit string) float64 {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	const units = "KMGTP"
	if i := strings.IndexAny(units, unit[:min(1, len(unit))]); unit != "" && i >= 0 {
		for range i + 1 {
			n *= 1024
		}
	}
	return n
}

func sorted(found []Resource) []Resource {
	slices.SortFunc(found, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	return found
}
