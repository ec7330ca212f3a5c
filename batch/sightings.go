package batch

import (
	"sync"
	"time"
)

// sightings tell for how long signs of life of others have been the same, by the clock of this process alone:
// clocks of machines, stores and file systems are not compared, and may be set. The zero value works.
type sightings struct {
	mu  sync.Mutex
	all map[string]sighting
}

// sighting is a sign of life, and when it was seen first.
type sighting struct {
	sign string
	at   time.Time
}

// silent tells whether the sign of life of a lease has been what it is now for the time to live. One that is seen for
// the first time is not.
func (s *sightings) silent(lease, sign string, ttl time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen, ok := s.all[lease]; ok && seen.sign == sign {
		return time.Since(seen.at) >= ttl
	}
	if s.all == nil {
		s.all = map[string]sighting{}
	}
	s.all[lease] = sighting{sign, time.Now()}
	return false
}

// forget forgets a lease that there is no more.
func (s *sightings) forget(lease string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, lease)
}
