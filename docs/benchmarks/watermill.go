// watermill-sql: a publisher to a Postgres table, an offset for each topic.

package main

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
)

func newWatermill(batch int) func(context.Context, *server, workload) (contestant, error) {
	return func(ctx context.Context, s *server, w workload) (contestant, error) {
		url, err := s.database(ctx, fmt.Sprintf("watermill_%d", batch))
		if err != nil {
			return contestant{}, err
		}
		pool, err := openPool(ctx, url)
		if err != nil {
			return contestant{}, err
		}
		publisher, err := sql.NewPublisher(sql.BeginnerFromPgx(pool), sql.PublisherConfig{
			SchemaAdapter: sql.DefaultPostgreSQLSchema{}, AutoInitializeSchema: true,
		}, watermill.NopLogger{})
		if err != nil {
			return contestant{}, err
		}
		return contestant{
			name: fmt.Sprintf("watermill-sql v4 ×%d", batch), perCall: batch,
			guarantees: "an offset from a sequence and the transaction's id, with gaps; no check of state",
			write: func(_ context.Context, worker, call int) error {
				messages := make([]*message.Message, batch)
				for i := range messages {
					e := w.at(worker, call*batch+i)
					messages[i] = message.NewMessage(watermill.NewUUID(), e.data())
					messages[i].Metadata.Set("stream", e.stream())
					messages[i].Metadata.Set("type", "token.used")
				}
				return publisher.Publish("token_used", messages...)
			},
			close: func(context.Context) error {
				defer pool.Close()
				return publisher.Close()
			},
		}, nil
	}
}
