// How the package is used from outside.

package secret_test

import (
	"bytes"
	"crypto/rand"
	"fmt"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

func Example() {
	id := secret.ID{0x01, 0x98, 0x1f, 0x3a, 0x7c, 0x00, 0x7e, 0x15, 0x8a, 0x6b, 0x1f, 0x2e, 0x3d, 0x4c, 0x5b, 0x6a}
	value, err := secret.New(secret.Organization, id, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(value) // a log would show the same

	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		fmt.Println(err)
		return
	}
	mac, _ := peppers.Sum(peppers.Active(), []byte(value.Reveal()))
	ok, _ := peppers.Verify(1, []byte(value.Reveal()), mac)
	fmt.Println(ok)
	// Output:
	// tola_030VlA2IgHOmU9cwEyHXSc…
	// true
}

func ExampleRedactString() {
	line := "refused tola_030VlA2IgHOmU9cwEyHXScFfGO9icDBXTkxFrr4Urgzftqt6iYhCLMZxSz0NekdJ from 192.0.2.7"
	fmt.Println(secret.RedactString(line))
	// Output: refused tola_030VlA2IgHOmU9cwEyHXSc… from 192.0.2.7
}

func ExampleFind() {
	file := []byte("export LEDGER_TOKEN=tola_030VlA2IgHOmU9cwEyHXScFfGO9icDBXTkxFrr4Urgzftqt6iYhCLMZxSz0NekdJ\n")
	for _, match := range secret.Find(file) {
		fmt.Println(match.Offset, match.ID, match.Masked)
	}
	// Output: 20 01981f3a-7c00-7e15-8a6b-1f2e3d4c5b6a tola_030VlA2IgHOmU9cwEyHXSc…
}
