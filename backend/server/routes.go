package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// endpoint answers a request whose path matched; args are the decoded segments
// that stand for {}. An error that it returns has not been answered yet.
type endpoint func(a *API, w http.ResponseWriter, r *http.Request, args []string) error

// route is one path and the endpoints of its methods; HEAD goes with get.
type route struct {
	path                string // {} is any one segment that is not empty
	get, post, put, del endpoint
}

// apiRoutes are the paths of the API. What is not here does not exist: no
// redirect, no cleaning of paths, no method but these.
func apiRoutes() []route {
	return append([]route{
		{path: "/api/version", get: (*API).version},
		{path: "/api/ray/version", get: (*API).version},
		{path: "/api/jobs/", get: (*API).list, post: (*API).submit},
		{path: "/api/jobs", get: (*API).list, post: (*API).submit},
		{path: "/api/jobs/{}", get: (*API).job, del: (*API).remove},
		{path: "/api/jobs/{}/stop", post: (*API).stop},
		{path: "/api/jobs/{}/logs", get: (*API).logs},
		{path: "/api/jobs/{}/logs/raw", get: (*API).rawLog},
		{path: "/api/jobs/{}/logs/tail", get: (*API).tail},
		{path: "/api/packages/{}", get: (*API).badPackagePath, put: (*API).badPackagePath},
		{path: "/api/packages/{}/{}", get: (*API).hasPackage, put: (*API).putPackage},
		{path: "/api/component_activities", get: (*API).activities},
		{path: "/api/openapi.json", get: (*API).openAPIDocument},
		{path: "/metrics", get: (*API).metricsPage},
		{path: "/api/cluster_status", get: (*API).clusterStatus},
		{path: "/api/profiling_enabled", get: (*API).profiling},
		{path: "/api/v0/jobs", get: (*API).stateJobs},
		{path: "/api/v0/nodes", get: (*API).stateNodes},
		{path: "/api/v0/actors", get: (*API).stateNone},
		{path: "/api/v0/tasks", get: (*API).stateNone},
		{path: "/api/v0/workers", get: (*API).stateNone},
		{path: "/api/v0/objects", get: (*API).stateNone},
		{path: "/api/v0/placement_groups", get: (*API).stateNone},
		{path: "/api/v0/runtime_envs", get: (*API).stateNone},
		{path: "/api/v0/cluster_events", get: (*API).stateNone},
		{path: "/api/v0/tasks/summarize", get: taskSummary()},
		{path: "/api/v0/actors/summarize", get: actorSummary()},
		{path: "/api/v0/objects/summarize", get: objectSummary()},
		{path: "/api/v0/tasks/timeline", get: (*API).timeline},
		{path: "/api/v0/cluster_metadata", get: (*API).clusterMetadata},
		{path: "/api/v0/runtime_env_redaction", get: (*API).redaction},
		{path: "/api/v0/logs", get: (*API).stateLogs},
		{path: "/api/v0/logs/{}", get: (*API).stateLog},
		{path: "/nodes", get: (*API).nodes},
		{path: "/nodes/{}", get: (*API).node},
		{path: "/timezone", get: (*API).timezone},
		{path: "/cluster_id", get: (*API).clusterID},
		{path: "/usage_stats_enabled", get: (*API).usageStats},
		{path: "/events", get: (*API).events},
		{path: "/api/healthz", get: (*API).nodeHealth},
		{path: "/api/gcs_healthz", get: (*API).health},
		{path: "/api/local_raylet_healthz", get: (*API).health},
		{path: "/-/healthz", get: (*API).health},
	}, probeRoutes()...)
}

func (rt *route) endpoint(method string) endpoint {
	switch method {
	case http.MethodGet, http.MethodHead:
		return rt.get
	case http.MethodPost:
		return rt.post
	case http.MethodPut:
		return rt.put
	case http.MethodDelete:
		return rt.del
	default:
		return nil
	}
}

// allow lists the route's methods as Ray does: in alphabetical order, without
// blanks.
func (rt *route) allow() string {
	var methods []string
	for _, m := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		if rt.endpoint(m) != nil {
			methods = append(methods, m)
		}
	}
	return strings.Join(methods, ",")
}

// findRoute matches the escaped path, so that %2F stays part of a segment.
func findRoute(routes []route, path string) (*route, []string) {
	segments := strings.Split(path, "/")
	for i := range routes {
		if args, ok := matchPath(strings.Split(routes[i].path, "/"), segments); ok {
			return &routes[i], args
		}
	}
	return nil, nil
}

func matchPath(pattern, segments []string) ([]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	var args []string
	for i, want := range pattern {
		got, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		if !utf8.ValidString(got) {
			got = segments[i] // as in Ray, an escape of half a character stands for itself
		}
		switch {
		case want != "{}":
			if got != want {
				return nil, false
			}
		case got == "":
			return nil, false
		default:
			args = append(args, got)
		}
	}
	return slices.Clip(args), true
}
