// From what one log costs to what many cost: arithmetic, and nothing that was not measured or assumed by name.

package bench

import (
	"fmt"
	"math"
)

// Demand is what is asked of an installation, and what is assumed of machines and prices.
type Demand struct {
	Organizations int     `json:"organizations"`
	Rate          float64 `json:"verificationsPerSecond"`
	Allowed       float64 `json:"allowedShare"`  // of verifications, each of which is an event
	TokensEach    int     `json:"tokensEach"`    // of an organization
	Full          float64 `json:"fullShare"`     // how much of what a machine or a log can do is asked of it
	NodeCores     int     `json:"nodeCores"`     // of a machine
	StandbyShare  float64 `json:"standbyShare"`  // of the primary's processor time, for each standby
	Standbys      int     `json:"standbys"`      // of each primary
	Replicas      int     `json:"replicas"`      // of a stream
	StreamDays    float64 `json:"streamDays"`    // that JetStream keeps
	OnlineDays    float64 `json:"onlineDays"`    // that the database keeps blocks
	ArchiveDays   float64 `json:"archiveDays"`   // that archives are kept
	CoreHour      float64 `json:"coreHour"`      // price of a core with its memory, for an hour
	DiskMonth     float64 `json:"diskMonth"`     // price of a gigabyte of fast disk, for a month
	ObjectMonth   float64 `json:"objectMonth"`   // price of a gigabyte of object storage, for a month
	PostgresConns int     `json:"postgresConns"` // that one Postgres takes well
}

// DefaultDemand is the one of the page about scaling.
func DefaultDemand() Demand {
	return Demand{
		Organizations: 10_000, Rate: 1_000_000, Allowed: 0.95, TokensEach: 100, Full: 0.6, NodeCores: 32, StandbyShare: 0.3, Standbys: 1,
		Replicas: 3, StreamDays: 1, OnlineDays: 7, ArchiveDays: 400, CoreHour: 0.04, DiskMonth: 0.08, ObjectMonth: 0.02, PostgresConns: 500,
	}
}

// Estimate is one number of the model, and what it comes from.
type Estimate struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	From  string  `json:"from"`
}

const (
	day       = 86_400.0
	month     = 30.0 * day
	hourMonth = 30.0 * 24
	partition = 10_000_000 // events
	tokenRoom = 150.0      // bytes of a token in each verifier's memory
)

// Model scales what was measured of one log to a demand. The cost is the first of the costs, that of
// one log; several on one machine share its cores and say nothing of more machines.
func Model(cost Cost, d Demand) []Estimate {
	events := d.Rate * d.Allowed
	logs := math.Ceil(events / (cost.Rate * d.Full))
	fewest := math.Ceil(events / (max(cost.Appends, cost.Rate) * d.Full))
	service := events * cost.ServiceCPU / 1e6 / d.Full
	database := events * cost.DatabaseCPU / 1e6 / d.Full * (1 + d.StandbyShare*float64(d.Standbys))
	nodes := math.Ceil(service/float64(d.NodeCores)) + math.Ceil(database/float64(d.NodeCores))
	perDay := func(bytes float64) float64 { return events * day * bytes / 1e12 }
	copies := float64(1 + d.Standbys)
	disk := (perDay(cost.LogBytes)*d.OnlineDays+perDay(cost.ViewBytes)*d.OnlineDays)*copies + perDay(cost.StreamBytes)*d.StreamDays*float64(d.Replicas)
	object := perDay(cost.Archived) * d.ArchiveDays
	machines, disks, objects := (service+database)*d.CoreHour*hourMonth, disk*1000*d.DiskMonth, object*1000*d.ObjectMonth
	perLog := events / logs
	return []Estimate{
		{"events a second", events, "", fmt.Sprintf("%.0f %% of verifications are allowed, and each of those is an event", 100*d.Allowed)},
		{"logs", logs, "", fmt.Sprintf("%.0f %% of what one was measured at, %.0f events/s", 100*d.Full, cost.Rate)},
		{"logs, were the append the only limit", fewest, "", fmt.Sprintf("%.0f events/s, on the same machine, with nothing that follows", max(cost.Appends, cost.Rate))},
		{"organizations of a log", float64(d.Organizations) / logs, "", "an organization lives in one log"},
		{"events a second of a log", perLog, "", ""},
		{"cores of services", service, "", fmt.Sprintf("%.0f µs an event, NATS included, %.0f %% busy", cost.ServiceCPU, 100*d.Full)},
		{"cores of Postgres", database, "", fmt.Sprintf("%.0f µs an event, and %.0f %% of that for each standby, of which a primary has %d", cost.DatabaseCPU, 100*d.StandbyShare, d.Standbys)},
		{"machines", nodes, "", fmt.Sprintf("of %d cores", d.NodeCores)},
		{"write-ahead log, a day", perDay(cost.WAL), "TB", fmt.Sprintf("%.0f bytes an event; to each standby as much", cost.WAL)},
		{"write-ahead log of a log", perLog * cost.WAL / 1e6, "MB/s", "the least that its disk and its standby's network take"},
		{"blocks, a day", perDay(cost.LogBytes), "TB", fmt.Sprintf("%.0f bytes an event", cost.LogBytes)},
		{"read models, a day", perDay(cost.ViewBytes), "TB", fmt.Sprintf("%.0f bytes an event, the trails most of all", cost.ViewBytes)},
		{"JetStream, a day", perDay(cost.StreamBytes) * float64(d.Replicas), "TB", fmt.Sprintf("%.0f bytes an event, %d replicas", cost.StreamBytes, d.Replicas)},
		{"archives, a day", perDay(cost.Archived), "TB", fmt.Sprintf("%.0f bytes an event", cost.Archived)},
		{"fast disk", disk, "TB", fmt.Sprintf("%.0f days in the database on %.0f machines, %.0f on JetStream", d.OnlineDays, copies, d.StreamDays)},
		{"object storage", object, "TB", fmt.Sprintf("%.0f days", d.ArchiveDays)},
		{"connections to Postgres, all logs", cost.Connections * logs, "", fmt.Sprintf("%.0f of a log; one server takes some %d", cost.Connections, d.PostgresConns)},
		{"until a partition is full", partition / perLog / 60, "minutes", "ten million events each"},
		{"tokens in a verifier's memory", float64(d.Organizations*d.TokensEach) / logs * tokenRoom / 1e6, "MB", fmt.Sprintf("%d tokens of each organization, %.0f bytes each", d.TokensEach, tokenRoom)},
		{"machines, a month", machines, "$", fmt.Sprintf("$%.2f a core and hour", d.CoreHour)},
		{"fast disk, a month", disks, "$", fmt.Sprintf("$%.2f a gigabyte and month", d.DiskMonth)},
		{"object storage, a month", objects, "$", fmt.Sprintf("$%.2f a gigabyte and month", d.ObjectMonth)},
		{"a million verifications", (machines + disks + objects) / (d.Rate * month) * 1e6, "$", "all of the above"},
	}
}
