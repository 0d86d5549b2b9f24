// What a where input means, in plain Go, by the words of the page that describes it.

package projections

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// oracle says whether a row satisfies an input, by the page's words alone.
func oracle(r TokenRow, in map[string]any) bool {
	for key, v := range in {
		if !oraclePart(r, key, v) {
			return false
		}
	}
	return true
}

func oraclePart(r TokenRow, key string, v any) bool {
	list := func() (all []map[string]any) {
		for _, item := range v.([]any) {
			all = append(all, item.(map[string]any))
		}
		return all
	}
	holds := func(in map[string]any) bool { return oracle(r, in) }
	switch key {
	case "not":
		return !holds(v.(map[string]any))
	case "and":
		return !slices.ContainsFunc(list(), func(in map[string]any) bool { return !holds(in) })
	case "or":
		return len(list()) == 0 || slices.ContainsFunc(list(), holds)
	case "hasOwner":
		return v.(bool)
	case "hasOwnerWith":
		return !slices.ContainsFunc(list(), func(in map[string]any) bool { return !oracle(TokenRow{Name: "ab"}, in) })
	case "tagsHas":
		return slices.Contains(r.Tags, v.(string))
	case "scopesHas":
		return slices.Contains(r.Scopes, v.(string))
	}
	for _, f := range oracleFields {
		if op, ok := strings.CutPrefix(key, f.name); ok {
			if f.time != nil {
				return oracleTime(f.time(r), op, v)
			}
			return oracleText(f.text(r), op, v)
		}
	}
	panic(key)
}

type oracleField struct {
	name string
	ops  []string
	text func(TokenRow) *string
	time func(TokenRow) *time.Time
}

var (
	oracleTextOps = []string{"", "NEQ", "In", "NotIn", "GT", "GTE", "LT", "LTE", "Contains", "HasPrefix", "HasSuffix", "EqualFold", "ContainsFold"}
	oracleTimeOps = []string{"", "NEQ", "In", "NotIn", "GT", "GTE", "LT", "LTE", "IsNil", "NotNil"}
	oracleFields  = []oracleField{
		{"name", oracleTextOps, func(r TokenRow) *string { return &r.Name }, nil},
		{"createdBy", slices.Concat(oracleTextOps[:11], []string{"IsNil", "NotNil"}), func(r TokenRow) *string { return &r.CreatedBy }, nil},
		{"revokedReason", slices.Concat(oracleTextOps, []string{"IsNil", "NotNil"}), func(r TokenRow) *string { return r.RevokedReason }, nil},
		{"id", []string{"", "NEQ", "In", "NotIn"}, func(r TokenRow) *string { return new(r.ID.String()) }, nil},
		{"isActive", []string{"", "NEQ", "IsNil", "NotNil"}, func(r TokenRow) *string { return new(fmt.Sprint(r.Active(oracleNow))) }, nil},
		{"status", []string{"", "In", "NotIn", "NEQ"}, func(r TokenRow) *string { return new(string(r.Status(oracleNow))) }, nil},
		{"expiresAt", oracleTimeOps, nil, func(r TokenRow) *time.Time { return r.ExpiresAt }},
		{"lastUsedAt", oracleTimeOps, nil, func(r TokenRow) *time.Time { return r.LastUsedAt }},
		{"createdAt", oracleTimeOps[:8], nil, func(r TokenRow) *time.Time { return &r.CreatedAt }},
	}
)

func oracleTime(have *time.Time, op string, v any) bool {
	text := func(t time.Time) string { return t.Format(keyTimeLayout) }
	var s *string
	if have != nil {
		s = new(text(*have))
	}
	switch v := v.(type) {
	case string:
		at, _ := time.Parse(time.RFC3339Nano, v)
		return oracleText(s, op, text(at))
	case []any:
		var all []any
		for _, item := range v {
			at, _ := time.Parse(time.RFC3339Nano, item.(string))
			all = append(all, text(at))
		}
		return oracleText(s, op, all)
	}
	return oracleText(s, op, v)
}

func oracleText(have *string, op string, v any) bool {
	switch op {
	case "NEQ":
		return !oracleText(have, "", v)
	case "NotIn":
		return !oracleText(have, "In", v)
	case "IsNil":
		return (have == nil) == v.(bool)
	case "NotNil":
		return (have != nil) == v.(bool)
	}
	if have == nil {
		return false
	}
	if op == "In" {
		return slices.Contains(v.([]any), any(*have))
	}
	s := fmt.Sprint(v)
	switch op {
	case "":
		return *have == s
	case "GT":
		return *have > s
	case "GTE":
		return *have >= s
	case "LT":
		return *have < s
	case "LTE":
		return *have <= s
	case "Contains":
		return strings.Contains(*have, s)
	case "HasPrefix":
		return strings.HasPrefix(*have, s)
	case "HasSuffix":
		return strings.HasSuffix(*have, s)
	case "EqualFold":
		return strings.EqualFold(*have, s)
	case "ContainsFold":
		for i := range *have {
			for j := i; j <= len(*have); j++ {
				if strings.EqualFold((*have)[i:j], s) {
					return true
				}
			}
		}
		return s == ""
	}
	panic(op)
}
