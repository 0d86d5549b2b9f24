// tokenledger projections: the read models and their builds.

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func (a app) projectionsCommand() *cobra.Command {
	c := &cobra.Command{Use: "projections", Short: "The read models"}
	list := &cobra.Command{Use: "list", Short: "List the read models and how far they are"}
	out := outputFlag(list, "table", "json", "csv")
	list.RunE = func(c *cobra.Command, _ []string) error { return a.listProjections(c, *out) }
	rebuild := &cobra.Command{
		Use: "rebuild [NAME …]", Short: "Build read models, or all, again from the first event; the old ones answer meanwhile",
		Args: cobra.ArbitraryArgs,
	}
	rebuilt := outputFlag(rebuild, "table", "json", "csv")
	rebuild.ValidArgs = projectionNames()
	rebuild.RunE = func(c *cobra.Command, names []string) error {
		known := projectionNames()
		if len(names) == 0 {
			names = known
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				return usage("%q is no read model; there are %s", name, strings.Join(known, ", "))
			}
		}
		return a.rebuildProjections(c, names, *rebuilt)
	}
	c.AddCommand(list, rebuild)
	return c
}

func projectionNames() (names []string) {
	for _, p := range projections.All() {
		names = append(names, p.Name())
	}
	return names
}

func (a app) listProjections(c *cobra.Command, form string) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	url, err := databaseURL(settings)
	if err != nil {
		return err
	}
	pool, err := projections.OpenPool(c.Context(), cmp.Or(settings.ProjectorURL, url), settings.Schema)
	if err != nil {
		return err
	}
	defer pool.Close()
	all, err := projections.Generations(c.Context(), pool)
	if err != nil {
		return err
	}
	return printList(a, all, form, "", func(g projections.Generation) record {
		return record{{"name", g.Name}, {"revision", g.Revision}, {"build", g.Build}, {"position", g.Position}, {"answers", g.Active}}
	})
}

func (a app) rebuildProjections(c *cobra.Command, names []string, form string) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	url, err := databaseURL(settings)
	if err != nil {
		return err
	}
	logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
	for _, name := range names {
		bar := a.progress(name, "events")
		err := service.RebuildProjection(c.Context(), url, settings, name, func(done, total events.Position) {
			bar.at(int64(done), int64(total))
		}, logger)
		bar.end()
		if err != nil {
			return err
		}
		if form == "table" {
			fmt.Fprintln(a.out, "rebuilt", name) // at once: the next one may take long
		}
	}
	if form == "table" {
		return nil
	}
	return printList(a, names, form, "", func(name string) record { return record{{"rebuilt", name}} })
}
