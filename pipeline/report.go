package pipeline

import "github.com/audiosep/audiosep"

type reporter struct{ Watcher }

func newReport(dir string, ports []string, next Watcher) (*reporter, error) {
	return &reporter{next}, nil
}
func (r *reporter) close(ok bool) error { return nil }

var _ = audiosep.Step{}
