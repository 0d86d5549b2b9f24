// Meters: what becomes of appends, commits and requests, as histograms whose labels
// are short lists that the program knows, never what a caller wrote.

package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenledger/tokenledger/eventstore"
)

// namespace begins the name of every metric of the service.
const namespace = "tokenledger"

// latencies are the buckets of whatever somebody waits for, in seconds.
var latencies = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Appends measures the log's appends; it is an [eventstore.Meter].
type Appends struct {
	took    map[string]prometheus.Observer // by result
	commits prometheus.Histogram
	events  prometheus.Counter
	joined  prometheus.Counter
	failed  prometheus.Counter
}

// resultOK is the label of an append that succeeded; the others are those of
// [eventstore.ErrorType].
const resultOK = "ok"

// NewAppends registers the meters. Each result is there from the start, as 0.
func NewAppends(r prometheus.Registerer) *Appends {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "append_duration_seconds", Buckets: latencies,
		Help: "How long the callers of an append waited, by what became of it.",
	}, []string{"result"})
	a := &Appends{
		took: map[string]prometheus.Observer{},
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "commit_duration_seconds", Buckets: latencies,
			Help: "How long a block took from the moment that its first requests were taken from the queue.",
		}),
		events: counter("events_appended_total", "Events that this process appended."),
		joined: counter("commit_requests_total", "Requests that blocks of this process took from the queue."),
		failed: counter("commit_errors_total", "Blocks of this process that could not be appended."),
	}
	for _, result := range append(eventstore.ErrorTypes(), resultOK) {
		a.took[result] = took.WithLabelValues(result)
	}
	r.MustRegister(took, a.commits, a.events, a.joined, a.failed)
	return a
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

// Appended implements [eventstore.Meter].
func (a *Appends) Appended(took time.Duration, err error) {
	result := resultOK
	if err != nil {
		result = eventstore.ErrorType(err)
	}
	a.took[result].Observe(took.Seconds())
}

// Committed implements [eventstore.Meter].
func (a *Appends) Committed(requests, events int, took time.Duration, err error) {
	a.commits.Observe(took.Seconds())
	a.joined.Add(float64(requests))
	a.events.Add(float64(events))
	if err != nil {
		a.failed.Inc()
	}
}

// Requests measures HTTP requests.
type Requests struct {
	took map[string][6]prometheus.Observer // by route, then by the first digit of the status
}

// NewRequests registers the meters of some routes.
func NewRequests(r prometheus.Registerer, routes ...string) *Requests {
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "http_request_duration_seconds", Buckets: latencies,
		Help: "How long requests took, by route and class of status; streams are left out.",
	}, []string{"route", "status"})
	r.MustRegister(took)
	q := &Requests{took: map[string][6]prometheus.Observer{}}
	for _, route := range routes {
		var classes [6]prometheus.Observer
		for i, class := range [...]string{"", "1xx", "2xx", "3xx", "4xx", "5xx"} {
			if i > 1 {
				classes[i] = took.WithLabelValues(route, class)
			}
		}
		q.took[route] = classes
	}
	return q
}

// Took counts a request that was answered.
func (q *Requests) Took(route string, status int, took time.Duration) {
	class := status / 100
	if class < 2 || class > 5 {
		class = http.StatusInternalServerError / 100
	}
	q.took[route][class].Observe(took.Seconds())
}
