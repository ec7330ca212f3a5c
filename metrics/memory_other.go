//go:build !linux && !darwin

package metrics

import "math"

// addressSpace returns how many bytes of address space the process may have.
func addressSpace() int64 { return math.MaxInt64 }
