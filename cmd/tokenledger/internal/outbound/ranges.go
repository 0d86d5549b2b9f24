// Which addresses are nobody else's business.

package outbound

import "net/netip"

// special are the ranges of the registries of special-purpose addresses that
// netip has no word for and that no public service has.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // shared by a provider's customers
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and the broadcast address
	netip.MustParsePrefix("::/96"),           // IPv4, as it was once embedded
	netip.MustParsePrefix("64:ff9b:1::/48"),  // translation inside a network
	netip.MustParsePrefix("100::/64"),        // discarded
	netip.MustParsePrefix("2001::/32"),       // tunnels to hosts behind translation
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("fec0::/10"),       // site-local, as it was once
}

var (
	translated = netip.MustParsePrefix("64:ff9b::/96") // carries an IPv4 address in its last four bytes
	tunnelled  = netip.MustParsePrefix("2002::/16")    // carries one in bytes 2 to 5
)

// check refuses what is not public, unless it is allowed. Plain http reaches
// only what is allowed.
func (g Guard) check(a netip.Addr, plain bool) error {
	a = a.Unmap().WithZone("")
	for _, p := range g.Allowed {
		if p.Contains(a) {
			return nil
		}
	}
	switch {
	case !public(a):
		return ErrRefused
	case plain:
		return ErrScheme
	}
	return nil
}

func public(a netip.Addr) bool {
	if a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || !a.IsValid() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	switch b := a.As16(); {
	case translated.Contains(a):
		return public(netip.AddrFrom4([4]byte(b[12:])))
	case tunnelled.Contains(a):
		return public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return true
}
