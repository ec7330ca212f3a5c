package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/plugins"
)

// pluginTrial is what plugin test was asked to do.
type pluginTrial struct {
	contract.Options
	only     []string // stages
	pipeline string   // a file, "" for none
	input    string   // a recording for it
	flags    pluginFlags
}

// try returns the outcome of the checks of one stage. What writes gets an empty folder to write
// into.
func (p *pluginTrial) try(ctx context.Context, d audiosep.Definition) ([]contract.Result, error) {
	o := p.Options
	if len(d.Out) == 0 && o.Folder == "" {
		dir, err := whole.TemporaryFolder("audiosep-test-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		if params, ok := filesInto(d.Params, o.Params, dir); ok {
			o.Params, o.Folder = params, dir
		}
	}
	return contract.Check(ctx, d, o), ctx.Err()
}

// filesInto has the parameters that name files to write name files in dir. ok is false where
// there is none.
func filesInto(all []audiosep.Param, raw json.RawMessage, dir string) (_ json.RawMessage, ok bool) {
	values := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &values) != nil {
		return raw, false // which Check will say
	}
	for _, p := range all {
		if p.File != "out" || p.Type != "string" {
			continue
		}
		name := ""
		if json.Unmarshal(values[p.Name], &name) != nil || name == "" {
			json.Unmarshal(p.Default, &name)
		}
		if name == "" {
			name = p.Name
		}
		values[p.Name], _ = json.Marshal(filepath.Join(dir, filepath.Base(name)))
		ok = true
	}
	made, err := json.Marshal(values)
	if err != nil || !ok {
		return raw, false
	}
	return made, true
}

// together holds the stages that a pipeline uses against what can be said of all pipelines, and
// returns the names of these stages.
func (p *pluginTrial) together(cmd *cobra.Command, host *plugins.Host, name string) (used []string, results []contract.Result, err error) {
	text, err := readSpec(cmd, p.pipeline)
	if err != nil {
		return nil, nil, err
	}
	reg := registry()
	spec, err := pipeline.Parse(p.pipeline, text)
	if err != nil {
		return nil, nil, err
	}
	if err := describePlugins(cmd.Context(), host, reg, spec.PluginNames()); err != nil {
		return nil, nil, err
	}
	for _, st := range spec.Stages {
		if strings.HasPrefix(st.Use, name+"/") && !slices.Contains(used, st.Use) {
			used = append(used, st.Use)
		}
	}
	if len(used) == 0 {
		return nil, nil, fmt.Errorf("%s uses no stage of plugin %s; want NAME/STAGE in it", p.pipeline, name)
	}
	results, err = (&trialRun{text: text, reg: reg, pluginTrial: p}).checks(cmd.Context())
	return used, results, err
}

// trialRun runs a pipeline again and again.
type trialRun struct {
	*pluginTrial
	text []byte
	reg  *pipeline.Registry
	want map[string][]byte // what the first run wrote
	said unsummed          // what it warned of
}

// checks makes all checks. Those that fail for a cause that was found before are like the first.
func (r *trialRun) checks(ctx context.Context) (results []contract.Result, err error) {
	found := map[string]string{} // cause -> the check that found it
	for i, c := range trialChecks {
		one := contract.Result{Check: c.name, Rule: c.rule}
		if first := trialChecks[0].name; i > 0 && results[0].Fault != "" {
			one.Like, one.Skipped = first, "not tried, as the pipeline does not run"
		} else if err := c.run(ctx, r); err != nil {
			one.Fault, one.Hint = err.Error(), c.hint
			cause := contract.Cause(err)
			if one.Like = found[cause]; one.Like == "" {
				found[cause] = c.name
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		results = append(results, one)
	}
	return results, nil
}

// unsummed takes the warnings of a run that its sources do not sum to the recording.
type unsummed struct {
	slog.Handler
	mu  *sync.Mutex
	all *[]string
}

func newUnsummed() unsummed {
	return unsummed{slog.DiscardHandler, new(sync.Mutex), new([]string)}
}

func (b unsummed) Enabled(context.Context, slog.Level) bool { return true }
func (b unsummed) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b unsummed) WithGroup(string) slog.Handler            { return b }

func (b unsummed) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != pipeline.NoSum {
		return nil
	}
	var text bytes.Buffer
	if err := newLog(&text, slog.LevelWarn).Handle(ctx, r); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	*b.all = append(*b.all, strings.TrimSpace(text.String()))
	return nil
}

// once runs the pipeline and returns what it wrote, by file.
func (r *trialRun) once(ctx context.Context, o pipeline.Options) (map[string][]byte, error) {
	dir, err := whole.TemporaryFolder("audiosep-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	spec, err := pipeline.Parse(r.pipeline, r.text)
	if err != nil {
		return nil, err
	}
	if spec.Out, spec.Report = dir, nil; r.input != "" {
		spec.SetInput("--input "+r.input, r.input)
	}
	p, err := pipeline.Check(spec, r.reg)
	if err != nil {
		return nil, err
	}
	err = p.Run(ctx, o)
	files, other := filesBelow(dir)
	return files, errors.Join(err, other)
}

// filesBelow returns the files in a folder and those in it.
func filesBelow(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path[len(dir)+1:]], err = os.ReadFile(path)
		return err
	})
	return files, err
}

// same says how what was written differs from what the first run wrote.
func (r *trialRun) same(got map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(r.want)) {
		if !bytes.Equal(got[name], r.want[name]) {
			return fmt.Errorf("%s differs from that of the first run; want the same bytes", name)
		}
	}
	if len(got) != len(r.want) {
		return fmt.Errorf("%s written; want %d, as by the first run", counted.Are(len(got), "file"), len(r.want))
	}
	return nil
}

var trialChecks = []struct {
	name, rule, hint string
	run              func(context.Context, *trialRun) error
}{
	{"runs", "The pipeline runs, and writes something.", "audiosep run it, with --plugin-log",
		func(ctx context.Context, r *trialRun) (err error) {
			r.said = newUnsummed()
			if r.want, err = r.once(ctx, pipeline.Options{Log: slog.New(r.said)}); err == nil && len(r.want) == 0 {
				err = errors.New("nothing was written; want a pipeline with a sink")
			}
			return err
		}},
	{"same bits twice", "The same pipeline, seed and files give the same bytes.",
		"take random numbers from env.Rand (Python: env.rng) only, add in a fixed order, do not depend on time",
		func(ctx context.Context, r *trialRun) error { return r.again(ctx, pipeline.Options{}) }},
	{"other blocks", "Results do not depend on how many frames are worked on at a time.",
		"keep no state between runs of frames; ask for enough frames beside them",
		func(ctx context.Context, r *trialRun) error { return r.again(ctx, pipeline.Options{Block: 7}) }},
	{"one processor", "Results do not depend on the number of processors.", "add in a fixed order",
		func(ctx context.Context, r *trialRun) error {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			return r.again(ctx, pipeline.Options{})
		}},
	{"promises", "Sources sum to the recording where a stage promises it.", "give what masks leave to one of the sources; or do not promise it: leave audiosep.Sums out of Define, in another language \"sums\" out of the promises",
		func(_ context.Context, r *trialRun) error {
			if len(*r.said.all) == 0 {
				return nil
			}
			return errors.New(strings.Join(*r.said.all, "\n"))
		}},
	{"cancellation", "A run that is cancelled ends soon, and nothing that it wrote is seen.",
		"look at ctx.Err() and return it (Python: call env.check()), every few frames; write to another name and rename in Commit",
		func(ctx context.Context, r *trialRun) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			got, err := r.once(ctx, pipeline.Options{Watcher: &cancelling{cancel: cancel}})
			switch {
			case err != nil && !errors.Is(err, context.Canceled):
				return fmt.Errorf("the run was cancelled, and its error is %w; want context.Canceled", err)
			case err != nil && len(got) > 0:
				return fmt.Errorf("%s there after a run that was cancelled; want none", counted.Are(len(got), "file"))
			}
			return nil
		}},
}

func (r *trialRun) again(ctx context.Context, o pipeline.Options) error {
	got, err := r.once(ctx, o)
	if err != nil {
		return err
	}
	return r.same(got)
}

// cancelling cancels a run at its first report.
type cancelling struct {
	once   sync.Once
	cancel func()
}

func (c *cancelling) Port(pipeline.Ref, audiosep.Cargo, any) {}
func (c *cancelling) Step(string, audiosep.Step)             { c.once.Do(c.cancel) }

// printResults prints the outcome of checks and returns how many causes there are of broken
// promises. What was not tried for a cause, or failed for the same, stands with it.
func printResults(w io.Writer, title string, results []contract.Result) (broken int) {
	alike, untried := map[string][]string{}, map[string][]string{}
	for _, r := range results {
		switch {
		case r.Like != "" && r.Skipped != "":
			untried[r.Like] = append(untried[r.Like], r.Check)
		case r.Like != "":
			alike[r.Like] = append(alike[r.Like], r.Check)
		}
	}
	fmt.Fprintln(w, title)
	for _, r := range results {
		switch {
		case r.Like != "":
		case r.Skipped != "":
			fmt.Fprintf(w, "  skip    %s: %s\n", r.Check, r.Skipped)
		case r.Advice != "":
			fmt.Fprintf(w, "  ok      %s\n%s\n", r.Check, wrap("→ "+r.Advice, 80, "          "))
		case r.OK():
			fmt.Fprintf(w, "  ok      %s\n", r.Check)
		default:
			broken++
			fmt.Fprintf(w, "  BROKEN  %s: %s\n%s\n", r.Check, r.Rule, wrap(r.Fault, 80, "          "))
			if r.Hint != "" {
				fmt.Fprintln(w, wrap("→ "+r.Hint, 80, "          "))
			}
			if rest := alike[r.Check]; rest != nil {
				fmt.Fprintln(w, "          fails alike: "+grouped(rest))
			}
			if rest := untried[r.Check]; rest != nil {
				fmt.Fprintln(w, "          not tried: "+grouped(rest))
			}
		}
	}
	return broken
}

// grouped lists checks, with what their names begin with told once: "Forward: zeros, NaN".
func grouped(names []string) string {
	var b strings.Builder
	last := ""
	for i, name := range names {
		at := max(0, strings.LastIndex(name, ": "))
		switch method := name[:at]; {
		case i > 0 && method == last:
			b.WriteString(", " + strings.TrimPrefix(name[at:], ": "))
		case i > 0:
			b.WriteString("; ")
			fallthrough
		default:
			b.WriteString(name)
			last = method
		}
	}
	return b.String()
}
