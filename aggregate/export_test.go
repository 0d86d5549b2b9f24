// What the examples need besides the package's own interface.

package aggregate

// NewMemory is a log in memory.
func NewMemory() Log { return &memory{} }
