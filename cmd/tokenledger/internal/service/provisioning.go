// The interface of identity providers, on this service's parts.

package service

import (
	"net/http"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scim"
)

func (l *ledger) provisioning() http.Handler {
	return scim.New(scim.Config{
		Directory: l.directory, Views: l.models.Views, Verifier: l.verifier, Log: l.store.Log,
		Proxies: l.config.Proxies, Limits: l.limits, Rooms: l.rooms, Logger: l.logger,
	})
}
