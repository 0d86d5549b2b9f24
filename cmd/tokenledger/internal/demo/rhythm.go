// The rhythm: what is used when, week after week, as a seed draws it.

package demo

import (
	"maps"
	"slices"
	"time"
)

// job is something that uses a token in a rhythm.
type job struct {
	use
	hours    []int // of a day
	weekdays []time.Weekday
	often    int // in ten of those hours
	most     int // uses at once
	actions  []string
	first    int // working days ago; 0: from the beginning
	last     int // working days ago
}

var (
	weekdays  = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	everyDay  = append(slices.Clone(weekdays), time.Saturday, time.Sunday)
	workHours = []int{8, 9, 10, 11, 13, 14, 15, 16, 17}
)

var jobs = []job{
	{use: use{token: "ci-evidence", resource: "evidence/builds", address: ciAddress, agent: ciAgent, via: "auth-check"}, hours: workHours, weekdays: weekdays, often: 8, most: 4, actions: []string{"createEvidence", "createEvidence", "controls"}},
	{use: use{token: "nightly-scan", resource: "scan/nightly", address: ciAddress, agent: scanAgent, via: "introspect"}, hours: []int{2}, weekdays: everyDay, often: 10, most: 4, actions: []string{"createScan"}},
	{use: use{token: "risk-sync", resource: "risk/register", address: cloudAddress, agent: syncAgent, via: "introspect"}, hours: workHours, weekdays: weekdays, often: 6, most: 1, actions: []string{"createRisk"}},
	{use: use{token: "audit-export", resource: "control/all", address: officeAddress, agent: scriptAgent, via: "introspect"}, hours: []int{7}, weekdays: []time.Weekday{time.Monday}, often: 10, most: 3, actions: []string{"controls", "control"}},
	{use: use{token: "backup-agent", resource: "evidence/archive", address: sixthAddress, agent: "backup-agent/3", via: "k8s"}, hours: []int{23}, weekdays: everyDay, often: 10, most: 1, actions: []string{""}},
	{use: use{token: "terraform", resource: "deployment/production", address: cloudAddress, agent: "terraform/1.9", via: "envoy"}, hours: []int{10, 15}, weekdays: weekdays, often: 5, most: 2, actions: []string{"deploy", "deployments"}},
	{use: use{token: "partner-portal", resource: "control/public", address: vendorAddress, agent: browserAgent, via: "auth-check"}, hours: workHours, weekdays: weekdays, often: 3, most: 2, actions: []string{"controls"}, last: 4},
	{use: use{token: "vendor-scanner", resource: "scan/external", address: vendorAddress, agent: vendorAgent, via: "introspect"}, hours: []int{5}, weekdays: weekdays, often: 9, most: 2, actions: []string{"createScan"}, last: 8},
	{use: use{token: "mobile-backend", resource: "task/inbox", address: cloudAddress, agent: "mobile-backend/5.2", via: "auth-check"}, hours: []int{7, 8, 12, 17, 18, 20}, weekdays: everyDay, often: 4, most: 3, actions: []string{"createTask", "updateTask"}},
	{use: use{token: "old-ci", resource: "evidence/builds", address: ciAddress, agent: "jenkins/2", via: "auth-check"}, hours: []int{9, 14}, weekdays: weekdays, often: 5, most: 1, actions: []string{"createEvidence"}, last: 8},
	{use: use{token: "legacy-importer", resource: "risk/import", address: officeAddress, agent: scriptAgent, via: "introspect"}, hours: []int{10}, weekdays: weekdays, often: 7, most: 2, actions: []string{"createRisk"}, last: 40},
	{use: use{token: "import-2025", resource: "evidence/2025", address: officeAddress, agent: scriptAgent, via: "introspect"}, hours: []int{11}, weekdays: weekdays, often: 8, most: 3, actions: []string{"createEvidence"}, last: 60},
	{use: use{token: "reports", resource: "risk/all", address: cloudAddress, agent: syncAgent, via: "introspect"}, hours: []int{6}, weekdays: []time.Weekday{time.Monday, time.Thursday}, often: 10, most: 2, actions: []string{"controls"}, first: 20},
	{use: use{token: "migration-upload", resource: "evidence/migration", address: officeAddress, agent: ciAgent, via: "introspect"}, hours: []int{10, 16}, weekdays: weekdays, often: 6, most: 2, actions: []string{"createEvidence"}, first: 19},
	{use: use{token: "ben-laptop", resource: "control/all", address: officeAddress, agent: browserAgent, via: "introspect"}, hours: workHours, weekdays: weekdays, often: 2, most: 2, actions: []string{"controls", "control"}},
	{use: use{token: "dmitri-cli", resource: "evidence/reviews", address: homeAddress, agent: scriptAgent, via: "introspect"}, hours: workHours, weekdays: weekdays, often: 2, most: 1, actions: []string{"createEvidence"}},
	{use: use{token: "emma-notebook", resource: "control/all", address: homeAddress, agent: browserAgent, via: "introspect"}, hours: []int{9, 13, 16}, weekdays: weekdays, often: 4, most: 1, actions: []string{"controls"}, last: 12},
	{use: use{token: "hugo-upload", resource: "evidence/migration", address: homeAddress, agent: scriptAgent, via: "introspect"}, hours: []int{10, 15}, weekdays: weekdays, often: 3, most: 1, actions: []string{"createEvidence"}, last: 7},
	{use: use{token: "jonas-both", resource: "control/all", address: vendorAddress, agent: browserAgent, via: "introspect"}, hours: []int{11}, weekdays: weekdays, often: 3, most: 1, actions: []string{"controls"}},
	{use: use{token: "harbour-intake", resource: "evidence/intake", address: vendorAddress, agent: scriptAgent, via: "introspect"}, hours: []int{9, 12}, weekdays: weekdays, often: 4, most: 1, actions: []string{"createEvidence"}},
	{use: use{token: "vendor-scanner-2", resource: "scan/external", address: vendorAddress, agent: vendorAgent, via: "introspect"}, hours: []int{5}, weekdays: weekdays, often: 9, most: 2, actions: []string{"createScan"}, first: 6},
}

// rhythm plans the uses of all jobs.
func (t *teller) rhythm() {
	for _, j := range slices.Concat(jobs, t.extras) {
		t.work(j)
	}
}

// work plans the uses of one job: in the last month as often as it says, before that a
// fifth of it.
func (t *teller) work(j job) {
	begins := t.begins[j.token]
	if j.first > 0 {
		begins = t.workday(j.first)
	}
	month := t.workday(monthWorkdays)
	ends := t.end
	if j.last > 0 {
		ends = t.workday(j.last)
	}
	for day := midnight(begins).AddDate(0, 0, 1); day.Before(ends); day = day.AddDate(0, 0, 1) {
		if !slices.Contains(j.weekdays, day.Weekday()) || day.Before(month) && t.random.IntN(5) > 0 {
			continue
		}
		for _, hour := range j.hours {
			if t.random.IntN(10) >= j.often {
				continue
			}
			at := day.Add(time.Duration(hour)*time.Hour + time.Duration(t.random.IntN(3_500_000))*time.Millisecond)
			for range 1 + t.random.IntN(j.most) {
				u := j.use
				u.action = j.actions[t.random.IntN(len(j.actions))]
				t.plays(at, u)
				at = at.Add(time.Duration(200+t.random.IntN(9000)) * time.Millisecond)
			}
		}
	}
}

// known lists the tokens that there are by now, by name.
func (t *teller) known() []string { return slices.Sorted(maps.Keys(t.tokens)) }
