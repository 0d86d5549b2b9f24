// JSON Schemas of the leaf, made from the same table as its encoding.

package events

// Schema is the JSON Schema (draft 2020-12) of a whole leaf that carries an
// event of this kind.
func (k Kind) Schema() map[string]any {
	position, text := positionCodec.schema(), map[string]any{"type": "string"}
	version := map[string]any{"type": "integer", "minimum": 1}
	if k.Observation {
		version = map[string]any{"const": 0}
	}
	properties := map[string]any{
		"format":         map[string]any{"const": Format},
		"position":       position,
		"trail":          text,
		"trail_position": position,
		"stream":         text,
		"version":        version,
		"recorded_at":    timeCodec.schema(),
		"type":           map[string]any{"const": string(k.Type)},
		"actor":          actorCodec.schema(),
		"reason":         text,
		"correlation":    text,
		"trace":          text,
		"data":           k.codec.schema(),
	}
	if k.Version != 1 {
		properties["type_version"] = map[string]any{"const": k.Version}
	}
	return map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "urn:tokenledger:event:" + string(k.Type),
		"title":       string(k.Type),
		"description": k.Summary,
		"type":        "object",
		"properties":  properties,
		"required": []string{
			"format", "position", "trail", "trail_position", "stream", "version", "recorded_at", "type", "actor", "data",
		},
		"additionalProperties": false,
	}
}
