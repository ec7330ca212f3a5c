// Package pipeline parses, checks and runs specs: JSON that chains stages. Parse reads one, Check finds every fault of it
// against a [Registry] of stages and builds them, and Run runs them: what they write appears whole or not at all.
//
//	spec, err := pipeline.Parse("pipeline.json", text)
//	…
//	p, err := pipeline.Check(spec, pipeline.NewRegistry(transforms.Stages, separators.Stages))
//	…
//	err = p.Run(ctx, pipeline.Options{})
//
// It knows what passes between stages, and no stage.
package pipeline
