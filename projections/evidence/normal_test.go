// Rows compared by what they say, not by how Go keeps their times and empty lists.

package evidence_test

import (
	"encoding/json"
	"time"

	"github.com/tokenledger/tokenledger/projections"
)

// normal is a row as JSON with every time in UTC, and the last use beside it.
func normal(row any) any {
	text, err := json.Marshal(row)
	if err != nil {
		panic(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	if t, ok := row.(projections.TokenRow); ok && t.LastUsedAt != nil {
		out["last_used_at"] = t.LastUsedAt.Format(time.RFC3339Nano)
	}
	return utc(out)
}

func utc(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if v[k] = utc(v[k]); v[k] == nil {
				delete(v, k)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = utc(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}
