package factorizers

import (
	"maps"
	"testing"
)

// A sweep rotates every pair of rows within reach once, and no row twice at a time.
func TestNeighboursMeetOnce(t *testing.T) {
	for rows := 2; rows < 40; rows++ {
		for reach := 1; reach < rows; reach++ {
			met, want := map[[2]int]int{}, map[[2]int]int{}
			for p := range rows {
				for q := p + 1; q < min(p+reach+1, rows); q++ {
					want[[2]int{p, q}] = 1
				}
			}
			for apart := 1; apart <= reach; apart++ {
				for parity := range 2 {
					busy := map[int]bool{}
					for i := range (rows + apart) / 2 {
						p, q := neighbour(apart, parity, i)
						if q >= rows {
							continue
						}
						if busy[p] || busy[q] {
							t.Fatalf("%d rows: %d and %d meet while one of them meets another", rows, p, q)
						}
						busy[p], busy[q] = true, true
						met[[2]int{p, q}]++
					}
				}
			}
			if !maps.Equal(met, want) {
				t.Fatalf("%d rows within reach %d: pairs met %v; want %v", rows, reach, met, want)
			}
		}
	}
}
