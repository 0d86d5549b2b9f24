// What the tests of the log share.

package eventstore_test

import (
	"testing"

	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }
