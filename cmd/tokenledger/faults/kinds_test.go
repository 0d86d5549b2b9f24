// The kinds of faults: each breaks something, and gives the way to mend it.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// fault is one kind.
type fault struct {
	name string
	// possible is false where the machine does not let it happen.
	possible func(w *world) bool
	// strike breaks something of the chosen services, and gives what mends it. One that
	// gives nothing is a kill: whatever supervises the thing starts it again at once.
	strike func(ctx context.Context, w *world, services []int) (mend func() error, err error)
	// whole faults meet every service.
	whole bool
}

func always(*world) bool { return true }

func kinds() []fault {
	all := []fault{
		{name: "service killed", possible: always, strike: func(_ context.Context, w *world, services []int) (func() error, error) {
			for _, i := range services {
				w.services[i].kill()
			}
			return nil, nil
		}},
		{name: "service frozen", possible: always, strike: freeze},
		{name: "postmaster killed", possible: always, whole: true, strike: func(_ context.Context, w *world, _ []int) (func() error, error) {
			w.postgres.kill()
			return nil, persist(w.postgres.revive)
		}},
		{name: "all of Postgres killed", possible: always, whole: true, strike: func(_ context.Context, w *world, _ []int) (func() error, error) {
			w.postgres.killAll()
			return nil, persist(w.postgres.revive)
		}},
		{name: "appender's backend killed", possible: always, whole: true, strike: func(ctx context.Context, w *world, _ []int) (func() error, error) {
			return nil, persist(func() error { return w.postgres.killBackend(ctx) })
		}},
		{name: "NATS killed", possible: always, whole: true, strike: func(_ context.Context, w *world, _ []int) (func() error, error) {
			w.nats.kill()
			return nil, persist(w.nats.revive)
		}},
		{name: "disk of Postgres full", possible: func(w *world) bool { return w.disks[postgresDisk] != nil }, whole: true, strike: fullPostgres},
		{name: "disk of NATS full", possible: func(w *world) bool { return w.disks[natsDisk] != nil }, whole: true, strike: fullNATS},
	}
	for _, jump := range []struct {
		name string
		off  time.Duration
	}{{"clock of Postgres a minute ahead", time.Minute}, {"clock of Postgres a minute behind", -time.Minute}, {"clock of Postgres 3 s ahead", 3 * time.Second}} {
		all = append(all, fault{
			name: jump.name, possible: func(w *world) bool { return w.clock != nil }, whole: true,
			strike: func(_ context.Context, w *world, _ []int) (func() error, error) {
				return func() error { return w.clock.jump(0) }, w.clock.jump(jump.off)
			},
		})
	}
	for _, server := range []struct {
		name string
		of   func(*service) *link
	}{{"Postgres", func(s *service) *link { return s.postgres }}, {"NATS", func(s *service) *link { return s.nats }}} {
		for _, toxin := range []struct {
			name string
			toxin
		}{{"slow", latency}, {"reset", reset}, {"half-open", halfOpen}, {"cut off", partition}} {
			all = append(all, fault{
				name: "way to " + server.name + " " + toxin.name, possible: always,
				strike: func(_ context.Context, w *world, services []int) (func() error, error) {
					var heals []func()
					mend := func() error {
						for _, heal := range heals {
							heal()
						}
						return nil
					}
					for _, i := range services {
						heal, err := server.of(w.services[i]).poison(toxin.toxin)
						heals = append(heals, heal)
						if err != nil {
							return nil, errors.Join(err, mend())
						}
					}
					return mend, nil
				},
			})
		}
	}
	return all
}

// freeze stops processes in the middle of whatever they do, as a machine does that is
// moved; they go on as if nothing had been.
func freeze(_ context.Context, w *world, services []int) (func() error, error) {
	var frozen []int
	for _, i := range services {
		s := w.services[i]
		s.mu.Lock()
		if s.process != nil && !s.process.Ended() {
			frozen = append(frozen, s.process.Cmd.Process.Pid)
		}
		s.mu.Unlock()
	}
	for _, pid := range frozen {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	return func() error {
		for _, pid := range frozen {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
		return nil
	}, nil
}

// fullPostgres fills the disk of Postgres, which may end over it; where space is
// again, somebody starts it.
func fullPostgres(_ context.Context, w *world, _ []int) (func() error, error) {
	d := w.disks[postgresDisk]
	return func() error {
		if err := d.free(); err != nil {
			return err
		}
		return persist(w.postgres.revive)
	}, d.fill()
}

// fullNATS fills the disk of NATS, which then takes nothing until it is started anew.
func fullNATS(_ context.Context, w *world, _ []int) (func() error, error) {
	d := w.disks[natsDisk]
	return func() error {
		if err := d.free(); err != nil {
			return err
		}
		return w.nats.restart()
	}, d.fill()
}
