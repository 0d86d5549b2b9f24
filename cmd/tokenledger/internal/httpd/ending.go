// The end of a service, as whoever sends it requests sees it: /readyz says so first,
// then connections close behind their answers, then the listeners do.

package httpd

import "net/http"

// Ending is closed when the service is to end; it answers until its listeners close. Nil
// never is.
type Ending <-chan struct{}

func (e Ending) begun() bool {
	select {
	case <-e:
		return true
	default:
		return false
	}
}

var closeIt = []string{"close"}

// letsGo keeps no connection for another request, so that a proxy has none left that the
// end would cut off just when it sends something.
func (e Ending) letsGo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.begun() {
			w.Header()["Connection"] = closeIt
		}
		next.ServeHTTP(w, r)
	})
}

// check is a line of /readyz. Whoever balances has from here to the end of the
// listeners to send requests elsewhere.
func (e Ending) check() Check {
	if e.begun() {
		return Check{Name: "service", Detail: "it is about to end; send requests elsewhere"}
	}
	return Check{Name: "service", OK: true, Detail: "serving"}
}
