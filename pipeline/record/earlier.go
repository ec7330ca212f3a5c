package record

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
)

// Earlier are runs that have ended well, by what their inputs were.
type Earlier map[string][]earlier

type earlier struct {
	path string
	*Record
}

// FindEarlier reads the records that lie in an output folder, and in the folders in it.
func FindEarlier(out string) Earlier {
	all := Earlier{}
	for _, path := range append(whole.Named(out, "*"+Name), whole.Named(out, "*", "*"+Name)...) {
		if r, err := Read(path); err == nil {
			all[inputsOf(r)] = append(all[inputsOf(r)], earlier{path, r})
		}
	}
	return all
}

func inputsOf(r *Record) string {
	var sums []string
	for _, in := range r.Inputs {
		sums = append(sums, in.SHA256)
	}
	return strings.Join(sums, " ")
}

// Done returns the record of an earlier run of the very same: of p, its inputs, the build of the program and the
// platform, whose outputs are there with the bytes that it says. Empty: there is none, or which build this one is
// is not known.
func (all Earlier) Done(ctx context.Context, p *pipeline.Pipeline, o Options) (string, error) {
	if o.Build == "" {
		return "", nil
	}
	want := &Record{Version: o.Version, Build: o.Build, Platform: Platform(), Seed: p.Seed}
	for _, in := range p.Reads() {
		sum, err := whole.KeptSum(ctx, in.Path)
		if err != nil {
			return "", err
		}
		want.Inputs = append(want.Inputs, File{SHA256: sum})
	}
	for _, r := range all[inputsOf(want)] {
		if r.Version != want.Version || r.Build != want.Build || r.Platform != want.Platform || r.Seed != want.Seed {
			continue
		}
		spec, err := specOf(p, o, filepath.Dir(r.path))
		if err != nil {
			return "", err
		}
		var a, b bytes.Buffer
		if json.Compact(&a, spec) == nil && json.Compact(&b, r.Spec) == nil && bytes.Equal(a.Bytes(), b.Bytes()) && r.there(ctx) {
			return r.path, nil
		}
	}
	return "", ctx.Err()
}

// there tells whether all outputs are, with the bytes that the record says.
func (r earlier) there(ctx context.Context) bool {
	for _, out := range r.Outputs {
		path := filepath.FromSlash(out.Path)
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(r.path), path)
		}
		size, sum, err := whole.Sum(ctx, path)
		if err != nil || !out.Same(File{Bytes: size, SHA256: sum}) {
			return false
		}
	}
	return len(r.Outputs) > 0
}
