// The operations: each asks the ledger first, for its own name and the resource that it is about.

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/docs/examples/resourceserver/generated"
	"github.com/tokenledger/tokenledger/docs/examples/resourceserver/model"
)

type resolver struct {
	ledger ledger
	store  *store
	now    func() time.Time
}

func (r *resolver) Query() generated.QueryResolver       { return query{r} }
func (r *resolver) Mutation() generated.MutationResolver { return mutation{r} }

type (
	query    struct{ *resolver }
	mutation struct{ *resolver }
)

func (r query) Controls(ctx context.Context, status *model.ControlStatus) ([]model.Control, error) {
	if _, err := r.ledger.allow(ctx, "controls", "control"); err != nil {
		return nil, err
	}
	return r.store.listControls(status), nil
}

func (r query) Control(ctx context.Context, id string) (*model.Control, error) {
	if _, err := r.ledger.allow(ctx, "control", "control/"+id); err != nil {
		return nil, err
	}
	return find(r.store, r.store.controls, id), nil
}

// begin asks the ledger about an operation that creates something of a kind, by
// the id that it will have.
func (r mutation) begin(ctx context.Context, action, kind string, input any) (a attempt, by string, err error) {
	if a, err = attemptAt(ctx, action, input); err == nil {
		by, err = r.ledger.allow(ctx, action, kind+a.ID)
	}
	return a, by, err
}

func (r mutation) CreateEvidence(ctx context.Context, in model.CreateEvidenceInput) (*model.EvidenceCreatePayload, error) {
	a, by, err := r.begin(ctx, "createEvidence", "evidence/", in)
	if err != nil {
		return nil, err
	}
	e := model.Evidence{
		ID: a.ID, Name: in.Name, Description: in.Description, URL: in.URL, ControlIDs: append([]string{}, in.ControlIDs...),
		CreatedAt: r.now(), CreatedBy: by,
	}
	if err := checkText("name", in.Name); err != nil {
		return nil, err
	}
	made, err := create(r.store, a, r.store.evidence, func() (change, error) {
		c := change{Evidence: []model.Evidence{e}}
		for _, id := range in.ControlIDs {
			control, ok := r.store.controls[id]
			if !ok {
				return change{}, badInput("controlIDs", fmt.Sprintf("There is no control %q.", id))
			}
			control.Status = model.ControlStatusImplemented
			c.Controls = append(c.Controls, control)
		}
		return c, nil
	})
	return &model.EvidenceCreatePayload{Evidence: made}, err
}

func (r mutation) CreateScan(ctx context.Context, in model.CreateScanInput) (*model.ScanCreatePayload, error) {
	a, by, err := r.begin(ctx, "createScan", "scan/", in)
	if err != nil {
		return nil, err
	}
	if err := checkText("target", in.Target); err != nil {
		return nil, err
	}
	scan := model.Scan{
		ID: a.ID, ScanType: in.ScanType, Target: in.Target, RiskIDs: []string{}, Results: []model.ScanResult{}, CreatedAt: r.now(), CreatedBy: by,
	}
	var c change
	for _, found := range in.Results {
		if err := checkText("results.title", found.Title); err != nil {
			return nil, err
		}
		scan.Results = append(scan.Results, model.ScanResult(found))
		if found.Severity == model.SeverityHigh || found.Severity == model.SeverityCritical {
			risk := model.Risk{
				ID: newID(), Name: found.Title, Description: found.Resource, Status: model.RiskStatusToBeAssessed,
				CreatedAt: scan.CreatedAt, CreatedBy: by,
			}
			c.Risks = append(c.Risks, risk)
			scan.RiskIDs = append(scan.RiskIDs, risk.ID)
		}
	}
	c.Scans = []model.Scan{scan}
	made, err := create(r.store, a, r.store.scans, func() (change, error) { return c, nil })
	return &model.ScanCreatePayload{Scan: made}, err
}

func (r mutation) CreateRisk(ctx context.Context, in model.CreateRiskInput) (*model.RiskCreatePayload, error) {
	a, by, err := r.begin(ctx, "createRisk", "risk/", in)
	if err != nil {
		return nil, err
	}
	if err := checkText("name", in.Name); err != nil {
		return nil, err
	}
	risk := model.Risk{
		ID: a.ID, Name: in.Name, Description: in.Description, Status: model.RiskStatusOpen, CreatedAt: r.now(), CreatedBy: by,
	}
	made, err := create(r.store, a, r.store.risks, func() (change, error) { return change{Risks: []model.Risk{risk}}, nil })
	return &model.RiskCreatePayload{Risk: made}, err
}

func (r mutation) CreateTask(ctx context.Context, in model.CreateTaskInput) (*model.TaskCreatePayload, error) {
	a, by, err := r.begin(ctx, "createTask", "task/", in)
	if err != nil {
		return nil, err
	}
	if err := checkText("title", in.Title); err != nil {
		return nil, err
	}
	task := model.Task{
		ID: a.ID, Title: in.Title, Description: in.Description, Status: model.TaskStatusOpen, CreatedAt: r.now(), CreatedBy: by, UpdatedBy: by,
	}
	task.UpdatedAt = task.CreatedAt
	made, err := create(r.store, a, r.store.tasks, func() (change, error) { return change{Tasks: []model.Task{task}}, nil })
	return &model.TaskCreatePayload{Task: made}, err
}

func (r mutation) UpdateTask(ctx context.Context, id string, in model.UpdateTaskInput) (*model.TaskUpdatePayload, error) {
	by, err := r.ledger.allow(ctx, "updateTask", "task/"+id)
	if err != nil {
		return nil, err
	}
	if in.Title != nil {
		if err := checkText("title", *in.Title); err != nil {
			return nil, err
		}
	}
	var task model.Task
	err = r.store.update(func() (change, error) {
		var ok bool
		if task, ok = r.store.tasks[id]; !ok {
			return change{}, notFound("There is no such task.")
		}
		if in.Title != nil {
			task.Title = *in.Title
		}
		if in.Description != nil {
			task.Description = in.Description
		}
		if in.Status != nil {
			task.Status = *in.Status
		}
		task.UpdatedAt, task.UpdatedBy = r.now(), by
		return change{Tasks: []model.Task{task}}, nil
	})
	return &model.TaskUpdatePayload{Task: &task}, err
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

const maxText = 1000

func checkText(field, s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return badInput(field, "A text is needed here.")
	case utf8.RuneCountInString(s) > maxText:
		return badInput(field, fmt.Sprintf("At most %d characters are possible here.", maxText))
	}
	return nil
}
