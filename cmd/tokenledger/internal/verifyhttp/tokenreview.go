// Kubernetes' TokenReview: a cluster asks who somebody is.

package verifyhttp

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

const (
	maxReview    = 64 << 10
	maxAudiences = 32
	reviewKind   = "TokenReview"
	reviewGroup  = "authentication.k8s.io/"
)

// reviewRequest is what is read of authentication.k8s.io's TokenReview, which is
// the same in v1 and v1beta1.
type reviewRequest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		Token     string   `json:"token"`
		Audiences []string `json:"audiences"`
	} `json:"spec"`
}

type reviewAnswer struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Status     reviewStatus `json:"status"`
}

type reviewStatus struct {
	Authenticated bool        `json:"authenticated"`
	User          *reviewUser `json:"user,omitempty"`
	Audiences     []string    `json:"audiences,omitempty"`
}

type reviewUser struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

// tokenReview authenticates the cluster like any caller; what is needed of the
// token stands in the address that the cluster's configuration has.
func (h *Handler) tokenReview(w http.ResponseWriter, r *http.Request) {
	room := buffers.Get().(*buffer)
	defer room.release()
	in, fault := readReview(w, r, room)
	if fault != nil {
		fault.write(w)
		return
	}
	need, ok := queryNeeds(r.URL.RawQuery)
	if !ok {
		fail(w, http.StatusBadRequest, "invalid_request", "What is needed cannot be read from this address.")
		return
	}
	named, fault := organizationIn(r, need.organization)
	if fault != nil {
		fault.write(w)
		return
	}
	o := h.origin(w, r)
	asked, known := organizations(in.Spec.Audiences)
	out := reviewAnswer{APIVersion: in.APIVersion, Kind: reviewKind}
	stranger := noSuchOrganization
	if named == uuid.Nil && len(asked) == 1 {
		named, stranger = asked[0], out.write
	}
	caller, ok := h.caller(w, r, o, named, "k8s", stranger)
	if !ok {
		return
	}
	audience, meant := audienceOf(caller.Organization, in.Spec.Audiences, known)
	if meant {
		if out.Status, ok = h.review(w, r, o, verifier.Query{
			Value: in.Spec.Token, Organization: caller.Organization, Scope: need.scope, Action: need.action, Resource: need.resource,
			RequestID: o.RequestID, Trace: o.Trace, Via: "k8s",
		}); !ok {
			return
		}
	}
	if out.Status.Authenticated {
		out.Status.Audiences = audience
	}
	out.write(w)
}

func (a reviewAnswer) write(w http.ResponseWriter) {
	w.Header()["Content-Type"] = typeJSON
	_ = json.NewEncoder(w).Encode(a)
}

func readReview(w http.ResponseWriter, r *http.Request, room *buffer) (in reviewRequest, fault *formFault) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return in, &formFault{http.StatusMethodNotAllowed, "This is asked by POST."}
	}
	if fault := readBody(r, room, maxReview); fault != nil {
		return in, fault
	}
	err := json.Unmarshal(room.b, &in)
	switch {
	case err != nil:
		return in, &formFault{http.StatusBadRequest, "This is no TokenReview."}
	case in.Kind != reviewKind || in.APIVersion != reviewGroup+"v1" && in.APIVersion != reviewGroup+"v1beta1":
		return in, &formFault{http.StatusBadRequest, "Send a TokenReview of authentication.k8s.io/v1 or v1beta1."}
	case len(in.Spec.Audiences) > maxAudiences:
		return in, &formFault{http.StatusBadRequest, "There are too many audiences."}
	}
	return in, nil
}

// organizations are those audiences that could be one, each once, and how each
// of them was spelled.
func organizations(audiences []string) (ids []uuid.UUID, spelled map[uuid.UUID]string) {
	spelled = map[uuid.UUID]string{}
	for _, a := range audiences {
		id, err := uuid.Parse(a)
		if _, twice := spelled[id]; err != nil || twice {
			continue
		}
		ids, spelled[id] = append(ids, id), a
	}
	return ids, spelled
}

// audienceOf is the intersection of the audiences asked for with the caller's
// organization, which is the only one that a token is looked at for. Without
// audiences that organization is meant, and none is answered.
func audienceOf(organization uuid.UUID, asked []string, spelled map[uuid.UUID]string) (audience []string, meant bool) {
	if len(asked) == 0 {
		return nil, true
	}
	if a, ok := spelled[organization]; ok {
		return []string{a}, true
	}
	return nil, false
}

func (h *Handler) review(w http.ResponseWriter, r *http.Request, o httpd.Origin, q verifier.Query) (s reviewStatus, ok bool) {
	d, err := h.Verifier.Verify(r.Context(), q)
	if err != nil {
		h.unavailable(w, r, err)
		return s, false
	}
	if !d.Allowed {
		return s, true
	}
	w.Header().Set("Token-Expires", expires(d.Until))
	return reviewStatus{Authenticated: true, User: userOf(&d)}, true
}

// userOf names nobody as he chose himself, and nothing that begins with system:,
// which a cluster gives rights of its own.
func userOf(d *verifier.Decision) *reviewUser {
	organization := "tokenledger:organization:" + d.Organization.String()
	u := &reviewUser{
		Username: string(appendUsername(nil, &d.Subject)), UID: subject(&d.Subject).String(), Groups: []string{organization},
		Extra: map[string][]string{
			"tokenledger/token-id":     {d.Token.String()},
			"tokenledger/organization": {d.Organization.String()},
			"tokenledger/scopes":       d.Scopes,
		},
	}
	if d.Role != "" {
		u.Groups = append(u.Groups, organization+":"+string(d.Role))
	}
	if !d.Until.IsZero() {
		u.Extra["tokenledger/expires"] = []string{d.Until.UTC().Format(time.RFC3339)}
	}
	return u
}
