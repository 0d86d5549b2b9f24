// What people may write into names, descriptions, reasons and tags.

package aggregate

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of what people write, in characters.
const (
	MaxName        = 255
	MaxDescription = 4096
	MaxReason      = 1000
	MaxTags        = 50
	MaxTag         = 64
)

// valueLike matches a token value from the first character of its secret on.
// The masked form, prefix and 22-character id, does not match. Neither right
// length nor checksum is asked for: a mistyped value is still most of a secret,
// and what is written into an event can never be taken back.
var valueLike = regexp.MustCompile(`tol[ap]_[0-9A-Za-z]{23,}`)

// text is the rule for one input field.
type text struct {
	field    string
	min, max int
	lines    bool // line breaks and tabs are fine
}

func nameText(field string) text { return text{field: field, min: 1, max: MaxName} }

var (
	descriptionText = text{field: "description", max: MaxDescription, lines: true}
	tagText         = text{field: "tags", min: 1, max: MaxTag}
)

func reasonText(field string) text { return text{field: field, min: 1, max: MaxReason, lines: true} }

func (t text) check(s string) error {
	if !utf8.ValidString(s) {
		return refuse(CodeBadUserInput, t.field, "%s is not valid UTF-8.", t.field)
	}
	if t.min > 0 && strings.TrimSpace(s) == "" {
		return refuse(CodeBadUserInput, t.field, "%s is required and must not be empty.", t.field)
	}
	if n := utf8.RuneCountInString(s); n > t.max {
		return refuse(CodeBadUserInput, t.field, "%s has %d characters; at most %d are possible.", t.field, n, t.max)
	}
	if i := strings.IndexFunc(s, t.unprintable); i >= 0 {
		return refuse(CodeBadUserInput, t.field, "%s has a control character at byte %d.", t.field, i)
	}
	return withoutValue(t.field, s)
}

// unprintable also names the characters that reorder text, so that no name
// looks like another in a report.
func (t text) unprintable(r rune) bool {
	if t.lines && (r == '\n' || r == '\r' || r == '\t') {
		return false
	}
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

func withoutValue(field, s string) error {
	if valueLike.MatchString(s) {
		return refuse(CodeBadUserInput, field,
			"%s contains a token value, which must never be recorded. Treat that token as leaked: revoke it.", field)
	}
	return nil
}

// tagsOf gives tags in the order given, each once.
func tagsOf(in []string) ([]string, error) {
	var tags []string
	for _, tag := range in {
		if err := tagText.check(tag); err != nil {
			return nil, err
		}
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if len(tags) > MaxTags {
		return nil, refuse(CodeBadUserInput, "tags", "There are %d tags; at most %d are possible.", len(tags), MaxTags)
	}
	return tags, nil
}

// emailText checks that s is one bare address.
func emailText(field, s string) error {
	if err := (text{field: field, min: 1, max: 254}).check(s); err != nil {
		return err
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return refuse(CodeBadUserInput, field, "%s is not an e-mail address such as ada@example.com.", field)
	}
	return nil
}

// micro is an instant as the ledger keeps it: UTC, in microseconds.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// future checks a deadline that people give; the zero time is no deadline.
func future(field string, t, now time.Time) error {
	switch {
	case t.IsZero():
		return nil
	case !t.After(now):
		return refuse(CodeBadUserInput, field, "%s is in the past: it is %s, and now is %s.",
			field, t.Format(time.RFC3339), now.Format(time.RFC3339))
	case t.Year() > 9999:
		return refuse(CodeBadUserInput, field, "%s lies after the year 9999; leave it out for no deadline.", field)
	}
	return nil
}
