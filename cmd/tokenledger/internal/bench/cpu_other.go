//go:build !unix

// The processor time of this process, where the system does not tell it.

package bench

import "time"

func processorTime() time.Duration { return 0 }
