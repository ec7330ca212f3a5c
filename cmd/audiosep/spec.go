package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/presets"
)

// specFlags are the flags that change what a spec says; they win over the file.
type specFlags struct {
	input      []string
	inputOf    map[string][]string // stage -> its files, of inputs such as ID=FILE
	name       string              // of the input, if it has the same as another
	only       []string            // stems
	two        string
	format     string // of stems
	together   bool   // the inputs are realisations of one scene
	out        string
	seed       uint64
	set        []string
	overwrite  bool
	report     string
	references string
	several    bool // inputs are separated one after the other
	plugins    pluginFlags
	unwanted   []string // stages that write none of the stems that are wanted
}

func (f *specFlags) add(cmd *cobra.Command) {
	f.addChanges(cmd)
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.input, "input", "i", nil, "`FILE` to read instead of the pipeline's, - for standard input, or a folder of recordings; for several the pipeline runs once each; ID=FILE is for the stage ID alone")
	fl.BoolVar(&f.together, "realisations", false, "take all inputs as recordings of one scene: one model for all")
	fl.StringVarP(&f.out, "out", "o", "", "`DIR` to write to (default: the pipeline's own folder, or this one if there is an --input); - writes one stem to standard output")
	fl.StringVar(&f.report, "report", "", "write what passes every port into `DIR`, as arrays and pictures, in place of a report that is there")
	fl.StringVar(&f.references, "references", "", "have the report say how near the stems are to the true ones in `DIR`")
	cmd.MarkFlagDirname("references")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace files that are there already")
	cmd.MarkFlagDirname("out")
	f.plugins.add(cmd)
}

// addChanges adds the flags that are the same for one recording and for many.
func (f *specFlags) addChanges(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringSliceVar(&f.only, "only", nil, "write these `STEMS` only: names or numbers, with commas between")
	fl.StringVar(&f.two, "two", "", "write two files: this `STEM`, and the sum of all others")
	fl.Uint64Var(&f.seed, "seed", 0, "seed instead of the pipeline's")
	fl.StringArrayVar(&f.set, "set", nil, "set a parameter: `STAGE.PARAMETER=VALUE`, such as is_nmf.rank=12")
	cmd.RegisterFlagCompletionFunc("set", completeSet)
}

// each returns the flags of each run that they ask for: one for each input, unless these
// are realisations. Inputs of one name are told apart by their folders.
func (f *specFlags) each() ([]*specFlags, error) {
	if len(f.input) < 2 || f.together {
		return []*specFlags{f}, nil
	}
	if f.out == "-" {
		return nil, fmt.Errorf("%s, and standard output takes one stem; want one --input, or a folder for --out", counted.There(len(f.input), "input"))
	}
	var all []*specFlags
	taken := map[string]string{}
	for i, name := range audio.Names(f.input) {
		in := f.input[i]
		if other, ok := taken[strings.ToLower(name)]; ok {
			return nil, fmt.Errorf("%s and %s would give their stems the same names; run them one by one, each with an --out of its own", other, in)
		}
		taken[strings.ToLower(name)] = in
		one := *f
		one.input, one.several = []string{in}, true
		if short := audio.Names(one.input)[0]; short != name {
			one.name = name
		}
		all = append(all, &one)
	}
	return all, nil
}

// read reads the spec in a file, and takes the inputs that say which of its stages is to read them,
// ID=FILE, out of the others.
func (f *specFlags) read(cmd *cobra.Command, file string) ([]byte, error) {
	text, err := readSpec(cmd, file)
	if err != nil {
		return nil, err
	}
	spec, err := pipeline.Parse(file, text)
	if err != nil {
		return nil, err
	}
	all := f.input
	f.input, f.inputOf = nil, map[string][]string{}
	for _, in := range all {
		id, path, named := strings.Cut(in, "=")
		if named && slices.ContainsFunc(spec.Stages, func(st pipeline.StageSpec) bool { return st.ID == id }) {
			f.inputOf[id] = append(f.inputOf[id], path)
		} else {
			f.input = append(f.input, in)
		}
	}
	return text, nil
}

// hasInput tells whether the command line says what is to be read.
func (f *specFlags) hasInput() bool { return len(f.input) > 0 || len(f.inputOf) > 0 }

// load reads, overrides and checks the spec in a file; text is what stands in it.
func (f *specFlags) load(cmd *cobra.Command, file string, text []byte, r *runner) (*loaded, error) {
	spec, err := pipeline.Parse(file, text)
	if err != nil {
		return nil, err
	}
	r.plugins = f.plugins
	l, err := r.load(cmd.Context(), spec, func(reg *pipeline.Registry) error { return f.override(cmd, spec, reg) })
	if err != nil {
		return nil, err
	}
	l.Pipeline = l.Pipeline.Without(f.unwanted...)
	if f.name != "" {
		l.input = f.name
	}
	return l, nil
}

// maxSpec bounds the size of a spec: it is written by hand or by a program, and small.
const maxSpec = 16 << 20

// readSpec reads a spec, or gives up when the context is done: a pipe that nobody writes to
// could keep it waiting for ever.
func readSpec(cmd *cobra.Command, file string) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := readAll(cmd.Context(), cmd.InOrStdin(), file)
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-cmd.Context().Done():
		return nil, cmd.Context().Err()
	}
}

func readAll(ctx context.Context, r io.Reader, file string) ([]byte, error) {
	if text, ok := preset(file); ok {
		return text, nil
	}
	if file != "-" {
		if audio.NamedSound(file) {
			return nil, fmt.Errorf("%s is a recording; want a pipeline or the name of one, such as hpss, with --input %[1]s", file)
		}
		f, err := whole.OpenPipe(ctx, file)
		if errors.Is(err, fs.ErrNotExist) && filepath.Base(file) == file && filepath.Ext(file) == "" { // it looks like a name
			hint := cmp.Or(nearest.Question(file, presets.Names()), "want a pipeline, or one of "+strings.Join(presets.Names(), ", "))
			return nil, fmt.Errorf("no preset and no file is called %q; %s", file, hint)
		}
		if err != nil {
			return nil, fmt.Errorf("the pipeline cannot be read: %w", err)
		}
		defer f.Close()
		r = f
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSpec+1))
	if err != nil {
		return nil, fmt.Errorf("the pipeline cannot be read: %w", err)
	}
	if len(text) > maxSpec {
		return nil, fmt.Errorf("%s is longer than %d MiB; want a pipeline, a short JSON file", file, maxSpec>>20)
	}
	return text, nil
}

func (f *specFlags) override(cmd *cobra.Command, spec *pipeline.Spec, reg *pipeline.Registry) error {
	if cmd.Flags().Changed("seed") {
		spec.Seed = f.seed
	}
	if len(f.input) > 0 {
		spec.SetInput("--input "+f.input[0], f.input...)
	}
	for _, id := range slices.Sorted(maps.Keys(f.inputOf)) {
		spec.SetInputOf(id, fmt.Sprintf("--input %s=%s", id, f.inputOf[id][0]), f.inputOf[id]...)
	}
	if err := f.folder(spec); err != nil {
		return err
	}
	if f.overwrite {
		for _, st := range spec.Stages {
			if def, ok := reg.Lookup(st.Use); ok && hasParam(def.Params, "overwrite", "bool") {
				spec.SetBy("--overwrite", st.ID+".overwrite", "true")
			}
		}
	}
	if _, named := preset(spec.File()); named && !f.hasInput() && len(f.set) == 0 {
		return fmt.Errorf("%s is to separate nothing; want --input FILE", spec.File())
	}
	if err := setOptions(cmd, spec); err != nil {
		return err
	}
	if err := f.stems(spec, reg); err != nil {
		return err
	}
	for _, s := range f.set {
		spec.Set(s)
	}
	return nil
}

// folder says where the spec's files go, and its report.
func (f *specFlags) folder(spec *pipeline.Spec) (err error) {
	if f.out != "" || f.hasInput() {
		dir := f.out
		if dir == "-" {
			dir = ""
		}
		if spec.Out, err = filepath.Abs(dir); err != nil {
			return err
		}
	}
	if f.report != "" {
		dir, err := filepath.Abs(f.report)
		if err != nil {
			return err
		}
		spec.SetReport(dir, "*")
	}
	if f.references != "" {
		if spec.Report == nil {
			return fmt.Errorf("--references %s is for a report, and there is none; want --report DIR too", f.references)
		}
		dir, err := filepath.Abs(f.references)
		if err != nil {
			return err
		}
		spec.Report.References = dir
	}
	return nil
}

// stems sets what is asked of the files that are written, and how the recording is called.
func (f *specFlags) stems(spec *pipeline.Spec, reg *pipeline.Registry) error {
	set := func(flag, id, param string, value any) {
		raw, _ := json.Marshal(value)
		spec.SetBy(flag, id+"."+param, string(raw))
	}
	var writers []string
	for _, st := range spec.Stages {
		def, _ := reg.Lookup(st.Use)
		if f.name != "" && hasParam(def.Params, "names", "[]string") && hasParam(def.Params, "files", "[]string") {
			set("--input "+f.input[0], st.ID, "names", []string{f.name})
		}
		if hasParam(def.Params, "only", "[]string") && hasParam(def.Params, "two", "string") {
			writers = append(writers, st.ID)
		}
	}
	only, err := f.share(spec, reg, writers)
	if err != nil {
		return err
	}
	for _, id := range writers {
		if len(only[id]) > 0 {
			set("--only "+strings.Join(f.only, ","), id, "only", only[id])
		}
		if f.two != "" {
			set("--two "+f.two, id, "two", f.two)
		}
		if f.format != "" {
			set("--format "+f.format, id, "format", f.format)
		}
		if f.out == "-" {
			set("--out -", id, "pattern", "-")
		}
	}
	return nil
}

// share says which of the stems that are wanted each stage is to write, and finds those that write
// none of them.
func (f *specFlags) share(spec *pipeline.Spec, reg *pipeline.Registry, writers []string) (map[string][]string, error) {
	only := map[string][]string{}
	if len(writers) < 2 || len(f.only) == 0 && f.two == "" && f.out != "-" {
		for _, id := range writers {
			only[id] = f.only
		}
		return only, nil
	}
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, c := range p.Choices() {
		for _, name := range c.Names {
			all = append(all, name)
			if slices.Contains(f.only, name) {
				only[c.Stage] = append(only[c.Stage], name)
			}
		}
	}
	for _, name := range f.only {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("--only has %q, and %s has no stem of that name; want some of %s", name, spec.File(), strings.Join(all, ", "))
		}
	}
	if f.two != "" {
		return nil, fmt.Errorf("--two is %q, and %s writes by %s; want --only, with some of %s", f.two, spec.File(), strings.Join(writers, " and "), strings.Join(all, ", "))
	}
	if f.out == "-" && len(f.only) != 1 {
		return nil, fmt.Errorf("standard output takes one stem; want --only with one of %s", strings.Join(all, ", "))
	}
	f.unwanted = slices.DeleteFunc(slices.Clone(writers), func(id string) bool { return len(only[id]) > 0 })
	return only, nil
}

// completeSet offers the parameters of the stages of the pipeline on the command line, those
// of stages compiled in.
func completeSet(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	spec, ok := peek(args[0])
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var all []string
	for _, st := range spec.Stages {
		def, _ := registry().Lookup(st.Use)
		for _, p := range def.Params {
			all = append(all, fmt.Sprintf("%s.%s=\t%s", st.ID, p.Name, p.Range()))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
