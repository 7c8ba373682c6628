package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dray/backend/rayapi"
)

// Routes whose requests last as long as somebody watches: how long they take
// says nothing about how fast the answers are.
const (
	tailRoute  = "/api/jobs/{}/logs/tail"
	stateRoute = "/api/v0/logs/{}"
)

// metrics are what /metrics tells. They belong to one API, so that several in
// one process do not count for each other.
type metrics struct {
	registry   *prometheus.Registry
	handler    http.Handler
	jobs       *prometheus.GaugeVec
	queued     prometheus.Gauge
	followers  prometheus.Gauge
	resources  *prometheus.GaugeVec
	requests   *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	submit     prometheus.Histogram
	logBytes   prometheus.Counter
	storeFails prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		jobs:       gaugeVec("dray_jobs", "Jobs by status.", "status"),
		queued:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "dray_jobs_queued", Help: "Pending jobs that wait for their turn: for resources, or for those before them."}),
		followers:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "dray_log_followers", Help: "Clients that follow a log."}),
		resources:  gaugeVec("dray_resources", "Logical resources; kind is total or used, memory is in bytes.", "resource", "kind"),
		requests:   counterVec("dray_http_requests_total", "Requests by route, method and status.", "route", "method", "code"),
		logBytes:   counter("dray_log_bytes_served_total", "Bytes of logs that were sent to clients."),
		storeFails: counter("dray_store_errors_total", "Requests that failed because records or files could not be read or written."),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dray_http_request_duration_seconds", Help: "Time until a request was answered; followed logs are left out.",
			Buckets: latencyBuckets(),
		}, []string{"route", "method"}),
		submit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dray_submit_duration_seconds", Help: "Time until a submitted job was safe on disk.", Buckets: latencyBuckets(),
		}),
	}
	m.registry.MustRegister(m.jobs, m.queued, m.followers, m.resources, m.requests, m.latency, m.submit, m.logBytes, m.storeFails,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
	return m
}

func latencyBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
}

func gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// metricsPage answers in Prometheus' text format.
func (a *API) metricsPage(w http.ResponseWriter, r *http.Request, _ []string) error {
	if err := a.refreshGauges(r.Context()); err != nil {
		return err
	}
	a.metrics.handler.ServeHTTP(w, r)
	return nil
}

func (a *API) refreshGauges(ctx context.Context) error {
	counts, err := a.cfg.Jobs.Counts(ctx)
	if err != nil {
		return err
	}
	n, err := a.cfg.Jobs.Node(ctx)
	if err != nil {
		return err
	}
	m := a.metrics
	for _, s := range statuses() {
		m.jobs.WithLabelValues(string(s)).Set(float64(counts.ByStatus[s]))
	}
	m.queued.Set(float64(counts.Queued))
	m.followers.Set(float64(a.followers.count()))
	for name, total := range n.Total {
		m.resources.WithLabelValues(name, "total").Set(total)
		m.resources.WithLabelValues(name, "used").Set(n.Used[name])
	}
	return nil
}

// meter is a ResponseWriter that remembers what was sent.
type meter struct {
	http.ResponseWriter
	status int // 0: nothing yet
	bytes  int64
}

func (m *meter) WriteHeader(status int) {
	if m.status < http.StatusOK {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(p []byte) (int, error) {
	if m.status < http.StatusOK {
		m.status = http.StatusOK
	}
	n, err := m.ResponseWriter.Write(p)
	m.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController and for the WebSocket.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// observe counts a request that has been answered, or was broken off. Methods
// and routes are those of the API, so that a client cannot make up new ones.
func (m *metrics) observe(rt *route, method string, w *meter, took time.Duration) {
	path := "other"
	if rt != nil {
		path = rt.path
	}
	if rt == nil || rt.endpoint(method) == nil {
		method = "other"
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(path, method, strconv.Itoa(status)).Inc()
	switch path {
	case tailRoute:
		return
	case stateRoute:
		m.logBytes.Add(float64(w.bytes))
		return
	case "/api/jobs/{}/logs", "/api/jobs/{}/logs/raw":
		m.logBytes.Add(float64(w.bytes))
	}
	m.latency.WithLabelValues(path, method).Observe(took.Seconds())
}

// observeFailure counts an error that is the store's or the disk's.
func (m *metrics) observeFailure(status int, text string, err error) {
	if status == http.StatusInsufficientStorage || status == http.StatusInternalServerError && text == "" || errors.Is(err, rayapi.ErrNoSpace) {
		m.storeFails.Inc()
	}
}
