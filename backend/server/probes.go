package server

import (
	"net/http"
	"slices"
	"strings"
)

// This file answers the pages of Ray's dashboard whose subject does not exist
// here, with what a head says that runs nothing of the kind: a client that
// probes them finds a service that is off, and not an unknown server.

const (
	textNoProfiling = "Profiling is disabled: there are no Ray workers here. Use py-spy or a like tool on the job's processes."
	textNoServe     = "Serve is not part of this server: it runs jobs only."
	textNoTrain     = "Train is not part of this server: it runs jobs only."
	textNoData      = "Data is not part of this server: it runs jobs only."
)

// absent answers with a status and why there is no more.
func absent(status int, text string) endpoint {
	return func(_ *API, w http.ResponseWriter, _ *http.Request, _ []string) error {
		plain(w, status, text)
		return nil
	}
}

// unhealthy answers the check of a service that this server does not use.
func unhealthy(msg string) endpoint {
	return func(_ *API, w http.ResponseWriter, _ *http.Request, _ []string) error {
		return sendJSONStatus(w, http.StatusInternalServerError, envelope{Msg: msg, Data: struct{}{}})
	}
}

// probeRoutes are the paths of such pages.
func probeRoutes() []route {
	routes := []route{
		{path: "/api/prometheus/sd", get: (*API).scrapeTargets},
		{path: "/api/prometheus_health", get: unhealthy("prometheus healthcheck failed.")},
		{path: "/api/grafana_health", get: unhealthy("Grafana healthcheck failed")},
		{path: "/api/serve/applications/", get: absent(http.StatusNotImplemented, textNoServe)},
		{path: "/api/train/v2/runs", get: absent(http.StatusInternalServerError, textNoTrain)},
		{path: "/api/train/v2/runs/v1", get: absent(http.StatusInternalServerError, textNoTrain)},
		{path: "/api/data/datasets/{}", get: absent(http.StatusServiceUnavailable, textNoData)},
		{path: "/logical/actors", get: (*API).logicalActors},
		{path: "/logical/actors/{}", get: (*API).logicalActor},
	}
	for _, path := range []string{
		"/worker/traceback", "/task/traceback", "/worker/cpu_profile", "/task/cpu_profile", "/memory_profile",
		"/worker/gpu_profile", "/worker/jax_profile",
	} {
		routes = append(routes, route{path: path, get: absent(http.StatusForbidden, textNoProfiling)})
	}
	return slices.Clip(routes)
}

// scrapeTargets names the metrics of this server, under the name by which it
// was asked.
func (a *API) scrapeTargets(w http.ResponseWriter, r *http.Request, _ []string) error {
	type target struct {
		Labels  map[string]string `json:"labels"`
		Targets []string          `json:"targets"`
	}
	return sendJSON(w, []target{{Labels: map[string]string{"job": "ray"}, Targets: []string{r.Host}}})
}

// logicalActors answers that there are no actors: null for each that is asked
// for by its id.
func (a *API) logicalActors(w http.ResponseWriter, r *http.Request, _ []string) error {
	actors := map[string]any{}
	if ids := r.URL.Query().Get("ids"); ids != "" {
		for id := range strings.SplitSeq(ids, ",") {
			actors[id] = nil
		}
	}
	return sendData(w, "All actors fetched.", map[string]any{"actors": actors})
}

func (a *API) logicalActor(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendData(w, "Actor details fetched.", map[string]any{"detail": nil})
}
