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
	if c, ok := r.store.control(id); ok {
		return &c, nil
	}
	return nil, nil
}

func (r mutation) CreateEvidence(ctx context.Context, in model.CreateEvidenceInput) (*model.EvidenceCreatePayload, error) {
	id := newID()
	by, err := r.ledger.allow(ctx, "createEvidence", "evidence/"+id)
	if err != nil {
		return nil, err
	}
	e := model.Evidence{
		ID: id, Name: in.Name, Description: in.Description, URL: in.URL, ControlIDs: append([]string{}, in.ControlIDs...),
		CreatedAt: r.now(), CreatedBy: by,
	}
	if err := checkText("name", in.Name); err != nil {
		return nil, err
	}
	return &model.EvidenceCreatePayload{Evidence: &e}, r.store.update(func() (change, error) {
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
}

func (r mutation) CreateScan(ctx context.Context, in model.CreateScanInput) (*model.ScanCreatePayload, error) {
	scan := model.Scan{ID: newID(), ScanType: in.ScanType, Target: in.Target, RiskIDs: []string{}, Results: []model.ScanResult{}}
	by, err := r.ledger.allow(ctx, "createScan", "scan/"+scan.ID)
	if err != nil {
		return nil, err
	}
	if err := checkText("target", in.Target); err != nil {
		return nil, err
	}
	scan.CreatedAt, scan.CreatedBy = r.now(), by
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
	return &model.ScanCreatePayload{Scan: &scan}, r.store.update(func() (change, error) { return c, nil })
}

func (r mutation) CreateRisk(ctx context.Context, in model.CreateRiskInput) (*model.RiskCreatePayload, error) {
	risk := model.Risk{ID: newID(), Name: in.Name, Description: in.Description, Status: model.RiskStatusOpen}
	by, err := r.ledger.allow(ctx, "createRisk", "risk/"+risk.ID)
	if err != nil {
		return nil, err
	}
	if err := checkText("name", in.Name); err != nil {
		return nil, err
	}
	risk.CreatedAt, risk.CreatedBy = r.now(), by
	return &model.RiskCreatePayload{Risk: &risk}, r.store.update(func() (change, error) {
		return change{Risks: []model.Risk{risk}}, nil
	})
}

func (r mutation) CreateTask(ctx context.Context, in model.CreateTaskInput) (*model.TaskCreatePayload, error) {
	task := model.Task{ID: newID(), Title: in.Title, Description: in.Description, Status: model.TaskStatusOpen}
	by, err := r.ledger.allow(ctx, "createTask", "task/"+task.ID)
	if err != nil {
		return nil, err
	}
	if err := checkText("title", in.Title); err != nil {
		return nil, err
	}
	task.CreatedAt, task.CreatedBy = r.now(), by
	task.UpdatedAt, task.UpdatedBy = task.CreatedAt, by
	return &model.TaskCreatePayload{Task: &task}, r.store.update(func() (change, error) {
		return change{Tasks: []model.Task{task}}, nil
	})
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
