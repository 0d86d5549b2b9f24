// When the end of a token is announced.

package events

// WarningDays are how many days ahead of its deadline a token is warned of, from
// the first warning to the last.
var WarningDays = [...]int64{30, 14, 7, 1}
