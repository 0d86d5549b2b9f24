// Orders of lists, which have the same fields for both kinds of tokens.

package model

// Order is one step of the order of a list.
type Order struct {
	Direction OrderDirection `json:"direction"`
	Field     string         `json:"field"`
}
