// What can be done with users.

package scim

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/projections"
)

const schemaList = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// The sizes of pages.
const (
	defaultCount = 100
	maxCount     = 500
)

// find reads members once their read model has all of the log, so that a provider
// sees what it did before, through whichever process.
func (h *handler) find(c *call, q projections.ProvisionedQuery) ([]projections.ProvisionedRow, int64, error) {
	head, err := h.Log.Head(c.ctx())
	if err != nil {
		return nil, 0, err
	}
	if err := h.Views.WaitDirectory(c.ctx(), head); err != nil {
		return nil, 0, err
	}
	q.Organization, q.Now = c.organization, h.Now()
	return h.Views.Provisioned(c.ctx(), q)
}

// user reads the one that the path names, and checks the caller's version of it.
func (h *handler) user(c *call) (projections.ProvisionedRow, error) {
	id, err := uuid.Parse(c.r.PathValue("id"))
	if err != nil {
		return projections.ProvisionedRow{}, notFound("There is no such user.")
	}
	row, err := h.byID(c, id)
	if err != nil {
		return row, err
	}
	if known := c.r.Header.Get("If-Match"); known != "" && !matches(known, version(row)) {
		return row, errChanged
	}
	return row, nil
}

// leaver is user for what may let somebody out: where the read model comes too late,
// the id has to do, for nobody stays because a read model stands still.
func (h *handler) leaver(c *call) (row projections.ProvisionedRow, known bool, err error) {
	row, err = h.user(c)
	if !errors.Is(err, projections.ErrStale) || c.r.Header.Get("If-Match") != "" {
		return row, err == nil, err
	}
	row.ID, err = uuid.Parse(c.r.PathValue("id"))
	return row, false, err
}

func (h *handler) byID(c *call, id uuid.UUID) (projections.ProvisionedRow, error) {
	rows, _, err := h.find(c, projections.ProvisionedQuery{Where: map[string]any{"id": id.String()}, Limit: 1})
	if err != nil {
		return projections.ProvisionedRow{}, err
	}
	if len(rows) == 0 {
		return projections.ProvisionedRow{}, notFound("There is no such user.")
	}
	return rows[0], nil
}

// matches reports whether a list of ETags has this one; weakly, as all are weak.
func matches(list, tag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// answer shows a user.
func (c *call) answer(status int, row projections.ProvisionedRow) error {
	u := shown(row, c.base())
	c.w.Header().Set("ETag", u.Meta.Version)
	if status == http.StatusCreated {
		c.w.Header().Set("Location", u.Meta.Location)
	}
	q := c.r.URL.Query()
	send(c.w, status, selected(u, q.Get("attributes"), q.Get("excludedAttributes")))
	return nil
}

func (h *handler) get(c *call) error {
	row, err := h.user(c)
	if err != nil {
		return err
	}
	if known := c.r.Header.Get("If-None-Match"); known != "" && matches(known, version(row)) {
		c.w.Header().Set("ETag", version(row))
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.answer(http.StatusOK, row)
}

// query is what a list is asked with.
type query struct {
	Filter             string
	StartIndex         int
	Count              *int
	Attributes         []string
	ExcludedAttributes []string
}

func (h *handler) list(c *call) error {
	q := query{StartIndex: 1}
	asked := c.r.URL.Query()
	q.Filter = asked.Get("filter")
	for name, set := range map[string]func(int){
		"startIndex": func(n int) { q.StartIndex = n },
		"count":      func(n int) { q.Count = &n },
	} {
		if text := asked.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return bad(invalidValue, name+" must be a number.")
			}
			set(n)
		}
	}
	for name, into := range map[string]*[]string{"attributes": &q.Attributes, "excludedAttributes": &q.ExcludedAttributes} {
		if text := asked.Get(name); text != "" {
			*into = []string{text}
		}
	}
	return h.page(c, q)
}

func (h *handler) search(c *call) error {
	q := query{StartIndex: 1}
	if err := c.decode(&q); err != nil {
		return err
	}
	return h.page(c, q)
}

func (h *handler) page(c *call, q query) error {
	where, err := compile(q.Filter)
	if err != nil {
		return err
	}
	count := defaultCount
	if q.Count != nil {
		count = min(max(*q.Count, 0), maxCount)
	}
	start := max(q.StartIndex, 1)
	rows, total, err := h.find(c, projections.ProvisionedQuery{Where: where, Offset: start - 1, Limit: count})
	if err != nil {
		return err
	}
	resources := make([]any, len(rows))
	for i, row := range rows {
		resources[i] = selected(shown(row, c.base()), strings.Join(q.Attributes, ","), strings.Join(q.ExcludedAttributes, ","))
	}
	send(c.w, http.StatusOK, map[string]any{
		"schemas": []string{schemaList}, "totalResults": total, "startIndex": start, "itemsPerPage": len(rows), "Resources": resources,
	})
	return nil
}

func (h *handler) create(c *call) error {
	var attributes map[string]any
	if err := c.decode(&attributes); err != nil {
		return err
	}
	d := &description{}
	if err := d.setAll(attributes); err != nil {
		return err
	}
	return h.provision(c, d, http.StatusCreated)
}

func (h *handler) replace(c *call) error {
	var attributes map[string]any
	if err := c.decode(&attributes); err != nil {
		return err
	}
	row, err := h.user(c)
	if err != nil {
		return err
	}
	d := &description{was: row, display: new("")} // what is not said is not so any more
	if err := d.setAll(attributes); err != nil {
		return err
	}
	if *d.display == "" && (d.formatted != nil || d.given != nil || d.family != nil) {
		d.display = nil
	}
	return h.provision(c, d, http.StatusOK)
}

func (h *handler) patch(c *call) error {
	var changes patchRequest
	if err := c.decode(&changes); err != nil {
		return err
	}
	row, known, err := h.leaver(c)
	if err != nil {
		return err
	}
	d := describing(row)
	if err := changes.apply(d); err != nil {
		return err
	}
	if !known {
		return h.letOut(c, d)
	}
	return h.provision(c, d, http.StatusOK)
}

// provision does what a description asks for, and shows the user as he then is.
func (h *handler) provision(c *call, d *description, status int) error {
	in, err := d.provision()
	if err != nil {
		return err
	}
	in.Organization, in.User = c.organization, d.was.ID
	if in.User != uuid.Nil {
		c.expect(&in, d.was)
	}
	made, err := h.Directory.Provision(c.ctx(), c.Call, in)
	if err != nil {
		return err
	}
	row, err := h.byID(c, made.ID)
	if err != nil {
		return err
	}
	return c.answer(status, row)
}

// letOut is provision where the user cannot be read: all that can be done then, and
// there is nothing to show.
func (h *handler) letOut(c *call, d *description) error {
	if !d.letsOut() {
		return projections.ErrStale
	}
	in := aggregate.Provision{Organization: c.organization, User: d.was.ID, Active: d.active}
	if _, err := h.Directory.Provision(c.ctx(), c.Call, in); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// expect has the decision rest on the versions that were read, where the caller
// named one.
func (c *call) expect(in *aggregate.Provision, row projections.ProvisionedRow) {
	if c.r.Header.Get("If-Match") != "" {
		in.UserVersion, in.MemberVersion = &row.UserVersion, &row.MemberVersion
	}
}

func (h *handler) remove(c *call) error {
	row, _, err := h.leaver(c)
	if err != nil {
		return err
	}
	in := aggregate.Provision{Organization: c.organization, User: row.ID}
	c.expect(&in, row)
	if _, err := h.Directory.Deprovision(c.ctx(), c.Call, in); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
