// The description of what is published on NATS, as AsyncAPI 3.

package main

import (
	"path/filepath"
	"strings"

	"github.com/tokenledger/tokenledger/events"
)

const asyncFile = "asyncapi.json"

type object = map[string]any

// asyncapi describes every subject: one channel for each type of event, and those of
// findings and checkpoints. The payloads of events are the published schemas.
func asyncapi() object {
	channels, operations, messages := object{}, object{}, object{}
	channel := func(name, address, summary string, parameters object, message object) {
		messages[name] = message
		channels[name] = object{
			"address": address, "description": summary, "parameters": parameters,
			"messages": object{name: object{"$ref": "#/components/messages/" + name}},
			"bindings": object{"nats": object{}},
		}
		operations["follow-"+name] = object{
			"action": "receive", "summary": summary, "channel": object{"$ref": "#/channels/" + name},
			"messages": []any{object{"$ref": "#/channels/" + name + "/messages/" + name}},
			"bindings": object{"nats": object{"bindingVersion": "0.1.0"}},
		}
	}
	trail := object{"trail": object{"description": "The organization's id, `user-` and a user's id, or `operator`."}}
	for _, k := range events.Catalogue() {
		name := string(k.Type)
		channel(name, events.Subject("{trail}", k.Type), k.Summary, trail, object{
			"name": name, "title": name, "summary": k.Summary, "contentType": "application/json",
			"headers": object{"$ref": "#/components/schemas/eventHeaders"},
			"payload": object{"$ref": filepath.ToSlash(filepath.Join("..", schemaFile(name)))},
		})
	}
	channel("finding", "tokenledger.findings.{organization}", "Something about a token is unusual, or was not done in time.",
		object{"organization": object{"description": "The organization's id."}}, object{
			"name": "finding", "title": "finding", "summary": "A finding, at least once; Finding-ID tells whether it is one that you had.",
			"contentType": "application/json", "payload": object{"$ref": "#/components/schemas/finding"},
			"headers": object{"type": "object", "properties": object{"Finding-ID": object{"type": "string"}}, "required": []any{"Finding-ID"}},
		})
	channel("checkpoint", "tokenledger.checkpoints", "The log of epochs has grown and was signed.", object{}, object{
		"name": "checkpoint", "title": "checkpoint", "summary": "A signed note of C2SP tlog-checkpoint.",
		"contentType": "text/plain; charset=utf-8", "payload": object{"type": "string"},
	})
	return object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "tokenledger", "version": "1",
			"description": "What a ledger publishes on NATS. The sequence of an event's message in its stream is its position; " +
				"positions, and the numbers of each trail, have no gap. Only the relay publishes.",
			"license": object{"name": "Apache-2.0"},
		},
		"defaultContentType": "application/json",
		"servers": object{"embedded": object{
			"host": "127.0.0.1:4222", "protocol": "nats",
			"description": "The server of the embedded default, with the credentials in <data>/nats/reader.creds.",
			"bindings":    object{"nats": object{}},
		}},
		"channels": channels, "operations": operations,
		"components": object{"messages": messages, "schemas": object{"eventHeaders": eventHeaders(), "finding": findingSchema()}},
	}
}

// eventHeaders are those that [events.Headers] sets.
func eventHeaders() object {
	required, properties := []any{}, object{}
	for _, name := range strings.Fields("ce-specversion ce-id ce-source ce-type ce-time ce-subject content-type") {
		properties[name] = object{"type": "string"}
		required = append(required, name)
	}
	for _, name := range []string{events.HeaderPosition, events.HeaderTrailPosition, events.HeaderTerm} {
		properties[name] = object{"type": "string", "pattern": "^[0-9]+$"}
		required = append(required, name)
	}
	properties[events.HeaderLeafHash] = object{"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of a zero byte and the body."}
	properties[events.HeaderTrace] = object{"type": "string"}
	return object{"type": "object", "properties": properties, "required": append(required, events.HeaderLeafHash)}
}

func findingSchema() object {
	text := object{"type": "string"}
	id := object{"type": "string", "format": "uuid"}
	return object{
		"type": "object",
		"properties": object{
			"type": object{"const": "finding"}, "origin": id, "organization": id, "rule": text,
			"position": object{"type": "integer", "minimum": 1}, "raised_at": object{"type": "string", "format": "date-time"},
			"token": id, "tokens": object{"type": "array", "items": id}, "detail": object{"type": "object"},
		},
		"required": []any{"type", "origin", "organization", "rule", "position", "raised_at", "detail"},
	}
}
