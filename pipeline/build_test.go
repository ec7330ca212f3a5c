package pipeline_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// Stages of two plugins are built at the same time: each waits for the other. Those of one are not.
func TestPluginsAreBuiltTogether(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	met := make(chan struct{})
	go func() { both.Wait(); close(met) }()
	var busy sync.Mutex
	defs := make([]audiosep.Definition, 0, 3)
	for _, name := range []string{"a/first", "a/second", "b/third"} {
		d := audiosep.Define(name, "A source.", struct{}{}, func(struct{}) (audiosep.Source, error) {
			return &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{{0}}}, nil
		})
		build := d.Build
		d.Origin = name[:1]
		d.Build = func(raw json.RawMessage) (any, error) {
			if d.Origin == "a" {
				if !busy.TryLock() {
					return nil, errors.New("two stages of one plugin are built at the same time")
				}
				defer busy.Unlock()
			}
			if name != "a/second" {
				both.Done()
				select {
				case <-met:
				case <-time.After(time.Minute):
					return nil, errors.New("the stage of the other plugin is not built meanwhile")
				}
			}
			return build(raw)
		}
		defs = append(defs, d)
	}
	spec, err := pipeline.Parse("spec.json", []byte(`{"audiosep": 1, "stages": [{"use": "a/first"}, {"use": "a/second"}, {"use": "b/third"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.Check(spec, pipeline.NewRegistry(defs)) // that nothing uses them is an error, too
	if err == nil || strings.Contains(err.Error(), "built") {
		t.Error(err)
	}
}
