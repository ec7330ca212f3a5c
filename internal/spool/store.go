//go:build !js

package spool

import "github.com/audiosep/audiosep/internal/whole"

// inMemory is how much a Tape has in memory.
const inMemory = 16 << 20

func newStore(int64) (store, error) { return whole.NewNameless("audiosep-*.spool") }
