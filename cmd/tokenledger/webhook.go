// tokenledger webhook: where the organization's events are sent.

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const webhookFields = `id url types createdAt createdBy delivered failures lastSuccessAt lastFailureAt lastError nextAttemptAt deadLetterCount`

type webhookView struct {
	ID              string   `json:"id"`
	URL             string   `json:"url"`
	Types           []string `json:"types"`
	CreatedAt       string   `json:"createdAt"`
	CreatedBy       string   `json:"createdBy"`
	Delivered       int64    `json:"delivered"`
	Failures        int64    `json:"failures"`
	LastSuccessAt   *string  `json:"lastSuccessAt"`
	LastFailureAt   *string  `json:"lastFailureAt"`
	LastError       *string  `json:"lastError"`
	NextAttemptAt   *string  `json:"nextAttemptAt"`
	DeadLetterCount int64    `json:"deadLetterCount"`
}

func (w webhookView) record() record {
	return record{
		{"id", w.ID},
		{"url", w.URL},
		{"types", w.Types},
		{"createdAt", w.CreatedAt},
		{"createdBy", w.CreatedBy},
		{"delivered", w.Delivered},
		{"failures", w.Failures},
		{"lastSuccessAt", w.LastSuccessAt},
		{"lastError", w.LastError},
		{"nextAttemptAt", w.NextAttemptAt},
		{"deadLetters", w.DeadLetterCount},
	}
}

func (a app) webhookCommand() *cobra.Command {
	return group("webhook", "Add, list and remove where the organization's events are sent; send again what was given up",
		a.webhookAdd(), a.webhookList(), a.webhookRemove(), a.webhookDead(), a.webhookReplay())
}

func (a app) webhookAdd() *cobra.Command {
	var types []string
	c := &cobra.Command{
		Use: "add URL", Short: "Have events sent to a URL; the secret of their signatures is shown this once", Args: cobra.ExactArgs(1),
		Example: "  tokenledger webhook add https://hooks.example.com/tokens --types token,finding",
	}
	c.Flags().StringSliceVar(&types, "types", nil, "types of events (token.revoked), kinds of them (token), finding; without any, everything")
	completesList(c, "types", append(typeNames(), "finding")...)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		var answer struct {
			AddWebhook struct {
				Webhook webhookView
				Secret  *string
			}
		}
		if err := a.ask(c, `mutation($input: AddWebhookInput!) { addWebhook(input: $input) { webhook { `+webhookFields+` } secret } }`,
			map[string]any{"input": map[string]any{"url": args[0], "types": types}}, &answer); err != nil {
			return err
		}
		w := answer.AddWebhook.Webhook
		if answer.AddWebhook.Secret == nil {
			return fmt.Errorf("the webhook %s exists, but its secret was lost on the way here and is not shown again; remove it and add it anew", w.ID)
		}
		return a.showRecord(record{{"id", w.ID}, {"url", w.URL}, {"types", w.Types}, {"secret", answer.AddWebhook.Secret}}, *out)
	}
	return c
}

func (a app) webhookList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List webhooks and how their deliveries go"}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var answer struct{ Webhooks []webhookView }
		if err := a.ask(c, `{ webhooks { `+webhookFields+` } }`, nil, &answer); err != nil {
			return err
		}
		return printList(a, answer.Webhooks, *out, "No webhooks.", webhookView.record)
	}
	return c
}

func (a app) webhookRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "Send nothing there any more", Args: cobra.ExactArgs(1)}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		var answer struct{ RemoveWebhook struct{ RemovedID string } }
		if err := a.ask(c, `mutation($id: ID!) { removeWebhook(id: $id) { removedID } }`, map[string]any{"id": args[0]}, &answer); err != nil {
			return err
		}
		return a.showRecord(record{{"removedID", answer.RemoveWebhook.RemovedID}}, *out)
	}
	return c
}

type deadLetterView struct {
	MessageID string `json:"messageID"`
	Kind      string `json:"kind"`
	Attempts  int64  `json:"attempts"`
	LastError string `json:"lastError"`
	DeadAt    string `json:"deadAt"`
	Again     bool   `json:"again"`
}

func (d deadLetterView) record() record {
	return record{
		{"messageID", d.MessageID},
		{"kind", d.Kind},
		{"attempts", d.Attempts},
		{"lastError", d.LastError},
		{"deadAt", d.DeadAt},
		{"again", d.Again},
	}
}

func (a app) webhookDead() *cobra.Command {
	c := &cobra.Command{Use: "dead ID", Short: "List the messages to a webhook that were given up, 100 at most", Args: cobra.ExactArgs(1)}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		var answer struct {
			Webhooks []struct {
				ID          string
				DeadLetters []deadLetterView
			}
		}
		if err := a.ask(c, `{ webhooks { id deadLetters { messageID kind attempts lastError deadAt again } } }`, nil, &answer); err != nil {
			return err
		}
		for _, w := range answer.Webhooks {
			if w.ID == args[0] {
				return printList(a, w.DeadLetters, *out, "Nothing was given up.", deadLetterView.record)
			}
		}
		return fmt.Errorf("there is no webhook %s; see tokenledger webhook list", args[0])
	}
	return c
}

func (a app) webhookReplay() *cobra.Command {
	var message string
	c := &cobra.Command{Use: "replay ID", Short: "Send again what was given up", Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&message, "message", "", "only the message with this id")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		query, variables := `mutation($id: ID!) { done: replayWebhookDeliveries(id: $id) { messages } }`, map[string]any{"id": args[0]}
		if message != "" {
			query = `mutation($id: ID!, $message: String!) { done: replayWebhookDelivery(id: $id, messageID: $message) { messages } }`
			variables["message"] = message
		}
		var answer struct{ Done struct{ Messages int64 } }
		if err := a.ask(c, query, variables, &answer); err != nil {
			return err
		}
		return a.showRecord(record{{"messages", answer.Done.Messages}}, *out)
	}
	return c
}
