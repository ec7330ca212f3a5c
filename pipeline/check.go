package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/nearest"
	"github.com/audiosep/audiosep/internal/whole"
)

// Pipeline is a spec whose stages exist, are told what they can be told, and fit.
type Pipeline struct {
	Name string
	Seed uint64
	// Report is what the spec wants to be written of the run, its folder resolved; nil
	// for nothing. Package report writes it.
	Report *ReportSpec
	// Out is the folder that files to write are relative to.
	Out string

	file   string // of the spec, or empty
	stages []*stage
	byID   map[string]*stage
	states map[string]whole.State // of the files that are read, before any stage was built
}

// stage is one stage of a checked pipeline.
type stage struct {
	id      string
	use     string // as the spec has it: a plugin's with its name
	def     audiosep.Definition
	params  json.RawMessage // as given, names of files resolved
	impl    any             // nil while something is wrong with it
	will    map[string]audiosep.Forecast
	reads   []string         // the files that its parameters name
	unknown bool             // no stage has the name
	in      map[string][]Ref // what is wired, in order
	users   int              // how many inputs and report patterns take its outputs
}

// Check finds out whether a spec means something: whether its stages exist, their
// parameters are right, and their inputs fit. Nothing is run and no audio is read. The
// error is Problems: every fault, with its place.
func Check(s *Spec, reg *Registry) (*Pipeline, error) {
	c := &checker{Spec: s, reg: reg, problems: slices.Concat(s.setErrs, s.misnamed),
		p: &Pipeline{Name: s.Name, Seed: s.Seed, Out: s.Out, file: s.file, byID: map[string]*stage{}, states: map[string]whole.State{}}}
	c.setInputs()
	c.buildPlugins()
	for i := range s.Stages {
		c.stage(i)
	}
	c.optionsSet()
	c.versions()
	c.problems = append(c.problems, s.UnusedPins(s.Plugins)...)
	if s.Report != nil {
		c.p.Report = &ReportSpec{Dir: resolve(s.Out, s.Report.Dir), Ports: s.Report.Ports}
		if s.Report.References != "" {
			c.p.Report.References = resolve(s.Dir, s.Report.References)
		}
		if !s.ownReport {
			c.inside(pointer("report", "dir"), "dir", s.Report.Dir, "")
		}
		c.reportPorts()
	}
	for i, st := range c.p.stages {
		if !c.unwired && st.users == 0 && len(st.def.Out) > 0 {
			c.fault(pointer("stages", i), st.id, "no stage uses it; want one that takes its "+portNames(st.def.Out), "")
		}
	}
	if err := c.problems.err(); err != nil {
		return nil, err
	}
	return c.p, nil
}

// optionsSet sees that what the options set is there.
func (c *checker) optionsSet() {
	for _, o := range c.Options {
		for _, other := range o.Excludes {
			if !slices.ContainsFunc(c.Options, func(o Option) bool { return o.Name == other }) {
				c.fault(pointer("options", o.Name, "excludes"), "", fmt.Sprintf("option %q excludes %q, which is no option; want one", o.Name, other), "")
			}
		}
		sets := slices.Clone(o.Sets)
		for _, m := range o.Multiples {
			sets = append(sets, m.Set)
		}
		for _, set := range sets {
			id, param, _ := strings.Cut(set, ".")
			i := slices.IndexFunc(c.p.stages, func(s *stage) bool { return s.id == id })
			if i >= 0 && c.p.stages[i].unknown {
				continue
			}
			if i < 0 || !slices.ContainsFunc(c.p.stages[i].def.Params, func(p audiosep.Param) bool { return p.Name == param }) {
				c.fault(pointer("options", o.Name, "sets"), "", fmt.Sprintf("option %q sets %q, which is no parameter of a stage; want STAGE.PARAMETER", o.Name, set), "")
			}
		}
	}
}

type checker struct {
	*Spec
	reg      *Registry
	p        *Pipeline
	problems Problems
	told     []string // plugins, or stages of such, of which it was told why they are not there
	unwired  bool     // some input has no wire for a fault told: who uses what is not known
	plugins  map[int]*built
}

// built is what came of building a stage, when all of its plugin have been.
type built struct {
	impl any
	err  error
	done chan struct{}
}

// buildPlugins begins to build the stages of plugins, as to start a process takes long: those of one plugin one
// after the other, beside those of others and beside the stages that are compiled in.
func (c *checker) buildPlugins() {
	c.plugins = map[int]*built{}
	work := map[string][]func(){}
	done := map[string]chan struct{}{}
	for i, spec := range c.Stages {
		def, ok := c.reg.Lookup(spec.Use)
		if !ok || def.Origin == "" {
			continue
		}
		told := len(c.problems)
		raw := c.raw(def, spec, pointer("stages", i))
		c.problems = c.problems[:told] // the same will be told in the stage's turn
		c.p.see(filesRead(def.Params, raw))
		if done[def.Origin] == nil {
			done[def.Origin] = make(chan struct{})
		}
		b := &built{done: done[def.Origin]}
		c.plugins[i] = b
		work[def.Origin] = append(work[def.Origin], func() { b.impl, b.err = def.Build(raw) })
	}
	turns := make(chan struct{}, max(2, runtime.GOMAXPROCS(0))) // more would only share the time that each has to start
	for plugin, stages := range work {
		go func() {
			turns <- struct{}{}
			defer func() { <-turns; close(done[plugin]) }()
			for _, build := range stages {
				build()
			}
		}()
	}
}

func (c *checker) fault(path, stage, what, hint string) {
	c.problems = append(c.problems, c.problem(path, stage, what, hint))
}

// setInputs gives the files of SetInputOf to the stages that they are for, and those of SetInput
// to the one source that reads files and has been given none otherwise, by an option neither.
func (c *checker) setInputs() {
	given := map[string]bool{} // STAGE.PARAMETER
	for _, o := range c.Options {
		for _, set := range o.Sets {
			given[set] = true
		}
	}
	for _, in := range c.inputOf {
		given[c.setInputOf(in)] = true
	}
	if c.inputs == nil {
		return
	}
	var found []int
	for i, s := range c.Stages {
		def, _ := c.reg.Lookup(s.Use)
		if name := filesParam(def); name != "" && !given[s.ID+"."+name] {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		c.problems = append(c.problems, Problem{File: c.file, Flag: c.inFlag, What: "no source of this pipeline reads files; want one, such as read_audio"})
	case 1:
		c.setFiles(found[0], c.inFlag, c.inputs)
	default:
		ids := make([]string, len(found))
		for j, i := range found {
			ids[j] = strconv.Quote(c.Stages[i].ID)
		}
		c.problems = append(c.problems, Problem{File: c.file, Flag: c.inFlag,
			What: strings.Join(ids, " and ") + " read files; want it said which stage reads what",
			Hint: fmt.Sprintf("--input %s=FILE", c.Stages[found[len(found)-1]].ID)})
	}
}

// setInputOf gives files to the stage that they are for, and returns the parameter.
func (c *checker) setInputOf(in inputOf) string {
	i := slices.IndexFunc(c.Stages, func(s StageSpec) bool { return s.ID == in.id })
	if i < 0 {
		c.problems = append(c.problems, Problem{File: c.file, Flag: in.flag, What: fmt.Sprintf("no stage has the id %q", in.id)})
		return ""
	}
	if name := c.setFiles(i, in.flag, in.files); name != "" {
		return in.id + "." + name
	}
	c.problems = append(c.problems, Problem{File: c.file, Flag: in.flag, What: fmt.Sprintf("stage %q reads no file; want one that does", in.id)})
	return ""
}

// setFiles has stage i read files, and returns the parameter that names them, empty if there is
// none.
func (c *checker) setFiles(i int, flag string, files []string) string {
	def, _ := c.reg.Lookup(c.Stages[i].Use)
	for _, p := range def.Params {
		if p.File != "in" || p.Type != "string" && p.Type != "[]string" {
			continue
		}
		raw, _ := json.Marshal(files)
		if p.Type == "string" && len(files) == 1 {
			raw, _ = json.Marshal(files[0])
		}
		c.setParam(i, p.Name, raw, flag)
		if len(files) > 1 && slices.ContainsFunc(def.Params, func(p audiosep.Param) bool { return p.Name == "realisations" && p.Type == "bool" }) {
			c.setParam(i, "realisations", []byte("true"), flag)
		}
		return p.Name
	}
	return ""
}

// filesParam returns the parameter of a source of audio that lists the files it reads.
func filesParam(d audiosep.Definition) string {
	source := len(d.In) == 0 && slices.ContainsFunc(d.Out, func(p audiosep.Port) bool { return p.Cargo == audiosep.CargoAudio })
	for _, p := range d.Params {
		if source && p.File == "in" && p.Type == "[]string" {
			return p.Name
		}
	}
	return ""
}

func (c *checker) stage(i int) {
	spec := c.Stages[i]
	st := &stage{id: spec.ID, use: spec.Use, in: map[string][]Ref{}}
	at := pointer("stages", i)
	def, ok := c.reg.Lookup(spec.Use)
	if !ok {
		c.unwired, st.unknown = true, true
		if def.Name = spec.Use; !c.reg.skips(spec.Use) {
			c.unknown(at, spec)
		}
	}
	st.def = def
	if c.p.byID[spec.ID] != nil {
		where := at + "/id"
		if c.root != nil && c.root.locate(where) == c.root.locate(at) {
			where = at + "/use"
		}
		c.fault(where, spec.ID, "two stages have this id; want one of its own", `give one an "id"`)
		c.unwired = true
	}
	if ok {
		told := len(c.problems)
		c.params(st, i, at)
		c.wire(st, spec, at)
		c.forecast(st, at)
		if c.vague[i] && len(c.problems) > told { // what it lacks may stand in a field that is misspelt
			c.problems, c.unwired = c.problems[:told], true
		}
	}
	c.p.stages = append(c.p.stages, st)
	if c.p.byID[spec.ID] == nil {
		c.p.byID[spec.ID] = st
	}
}

// unknown tells why a stage is not there. What is wrong with a plugin is told once, not of each
// of its stages.
func (c *checker) unknown(at string, spec StageSpec) {
	of, why := c.reg.absence(spec.Use)
	if why == "" {
		what, hint := c.reg.unknown(spec.Use)
		c.fault(at+"/use", spec.ID, what, hint)
	} else if !slices.Contains(c.told, of) {
		c.told = append(c.told, of)
		c.fault(at+"/use", spec.ID, why, "")
	}
}

// params builds the stage from its parameters.
func (c *checker) params(st *stage, i int, at string) {
	raw := c.raw(st.def, c.Stages[i], at)
	st.params, st.reads = raw, filesRead(st.def.Params, raw)
	c.p.see(st.reads)
	b, ok := c.plugins[i]
	if ok {
		<-b.done
	} else {
		b = new(built)
		b.impl, b.err = st.def.Build(raw)
	}
	if b.err == nil {
		st.impl = b.impl
		return
	}
	c.paramFaults(st, b.err, at)
}

// raw returns the parameters of a stage as it is built with them.
func (c *checker) raw(def audiosep.Definition, spec StageSpec, at string) json.RawMessage {
	raw := c.texts(def.Params, spec.Params, at)
	if audiosep.CheckParams(def.Params, raw) == nil {
		raw = c.resolveFiles(def.Params, raw, at, spec.ID)
	}
	return raw
}

// texts makes texts of the values that flags give to parameters that are texts, such as the
// number of a source, and lists of one text for parameters that are lists of texts.
func (c *checker) texts(params []audiosep.Param, raw json.RawMessage, at string) json.RawMessage {
	var values map[string]json.RawMessage
	for _, p := range params {
		list := p.Type == "[]string"
		if _, byFlag := c.flags[at+pointer("params", p.Name)]; !byFlag || p.Type != "string" && !list {
			continue
		}
		if values == nil && json.Unmarshal(raw, &values) != nil {
			return raw
		}
		v := bytes.TrimSpace(values[p.Name])
		if len(v) > 0 && v[0] != '"' && !(list && (v[0] == '[' || string(v) == "null")) {
			v, _ = json.Marshal(string(v))
		}
		if list && len(v) > 0 && v[0] == '"' {
			v = slices.Concat([]byte("["), v, []byte("]"))
		}
		values[p.Name] = v
	}
	if values == nil {
		return raw
	}
	raw, _ = json.Marshal(values)
	return raw
}

// paramFaults tells what is wrong with a stage's parameters.
func (c *checker) paramFaults(st *stage, err error, at string) {
	errs, ok := audiosep.AsParamErrors(err)
	if !ok {
		c.fault(at+"/params", st.id, err.Error(), "")
		return
	}
	for _, e := range errs {
		hint := e.Hint
		if hint == "" && e.Name == filesParam(st.def) && !given(st.params, e.Name) {
			hint = "--input names one on the command line"
		}
		c.fault(at+"/params/"+e.Name, st.id, fmt.Sprintf("parameter %s %s", e.Name, e.What), hint)
	}
}

// given tells whether parameters, a JSON object, name one.
func given(raw json.RawMessage, name string) bool {
	var values map[string]json.RawMessage
	json.Unmarshal(raw, &values)
	return values[name] != nil && string(values[name]) != "null"
}

// forecast asks a stage what will come of it.
func (c *checker) forecast(st *stage, at string) {
	if w, ok := st.impl.(audiosep.WiringChecker); ok && !c.unwired {
		if err := w.CheckWiring(st.wiring()); err != nil {
			c.paramFaults(st, err, at)
		}
	}
	in := map[string]audiosep.Forecast{}
	for port, from := range st.in {
		for _, ref := range from {
			known := c.p.byID[ref.Stage].will[ref.Port]
			if so, ok := in[port]; ok { // of many: all of them together
				known = both(so, known)
			}
			in[port] = known
		}
	}
	if _, masks := st.impl.(audiosep.Separator); masks && in["factors"].NoH {
		c.fault(at+pointer("in", "factors"), st.id, fmt.Sprintf("it needs W and H, and %s makes W alone", st.in["factors"][0]),
			fmt.Sprintf(`put {"use": "activations", "in": {"dictionary": %q}} between`, st.in["factors"][0].Stage))
	}
	f, ok := st.impl.(audiosep.Forecaster)
	if !ok {
		return
	}
	var err error
	if st.will, err = f.Forecast(in); err != nil {
		c.paramFaults(st, err, at)
	}
}

// wiring returns the ids of the stages that feed each input, in order.
func (s *stage) wiring() map[string][]string {
	wiring := map[string][]string{}
	for input, refs := range s.in {
		for _, ref := range refs {
			wiring[input] = append(wiring[input], ref.Stage)
		}
	}
	return wiring
}

// both returns what is known of two together, which is nothing where one is not known.
func both(a, b audiosep.Forecast) (f audiosep.Forecast) {
	f.NoH = a.NoH || b.NoH
	if a.Rank > 0 && b.Rank > 0 {
		f.Rank = a.Rank + b.Rank
	}
	if a.Sources != nil && b.Sources != nil {
		f.Sources = slices.Concat(a.Sources, b.Sources)
	}
	return f
}

// filesRead returns the files that parameters say are to be read.
func filesRead(params []audiosep.Param, raw json.RawMessage) (files []string) {
	values := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &values) != nil {
		return nil
	}
	for _, p := range params {
		var name string
		var names []string
		switch {
		case p.File != "in":
		case json.Unmarshal(values[p.Name], &name) == nil:
			files = append(files, name)
		case json.Unmarshal(values[p.Name], &names) == nil:
			files = append(files, names...)
		}
	}
	return files
}

// resolveFiles makes the names of files in raw, which has been checked, independent of
// the working folder: those to read are relative to the spec's folder, or to the working
// folder if a flag named them; those to write to the output folder.
func (c *checker) resolveFiles(params []audiosep.Param, raw json.RawMessage, at, id string) json.RawMessage {
	values := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &values) != nil {
		return raw
	}
	for _, p := range params {
		base := c.Out
		if _, byFlag := c.flags[at+pointer("params", p.Name)]; p.File == "in" && byFlag {
			base, _ = filepath.Abs(".")
		} else if p.File == "in" {
			base = c.Dir
		}
		value, given := values[p.Name]
		if !given {
			value = p.Default
		}
		if p.File == "" || string(value) == "null" {
			continue
		}
		var name string
		var names []string
		if json.Unmarshal(value, &name) == nil {
			values[p.Name], _ = json.Marshal(resolve(base, name))
			if _, byFlag := c.flags[at+pointer("params", p.Name)]; p.File == "out" && !byFlag {
				c.inside(at+pointer("params", p.Name), fmt.Sprintf("parameter %s", p.Name), name, id)
			}
		} else if json.Unmarshal(value, &names) == nil {
			for i := range names {
				names[i] = resolve(base, names[i])
			}
			values[p.Name], _ = json.Marshal(names)
		}
	}
	raw, _ = json.Marshal(values)
	return raw
}

// inside finds fault with a name in a spec that leads out of the output folder: whoever runs
// a spec need not know what it writes, but where.
func (c *checker) inside(at, what, name, stage string) {
	out, path := realPath(c.Out), realPath(resolve(c.Out, name))
	if rel, err := filepath.Rel(out, path); err == nil && filepath.IsLocal(rel) {
		return
	}
	c.fault(at, stage, fmt.Sprintf("%s is %q, which lies outside the output folder; want a name below it", what, name),
		"--out and --set may name any folder")
}

// realPath follows the links in as much of a path as is there.
func realPath(path string) string {
	path, _ = filepath.Abs(path)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(realPath(dir), filepath.Base(path))
	}
	return path
}

func resolve(base, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(base, filepath.FromSlash(name))
}

// wire finds what feeds each input of a stage: what the spec says, else the one stage
// above that can.
func (c *checker) wire(st *stage, spec StageSpec, at string) {
	c.knownInputs(st, spec, at)
	required := false
	for _, in := range st.def.In {
		required = required || !in.Optional
		given, named := spec.In[in.Name]
		switch {
		case named:
			c.explicit(st, in, given, at+pointer("in", in.Name))
		case !in.Optional:
			c.infer(st, in, at)
		}
		for _, ref := range st.in[in.Name] {
			c.p.byID[ref.Stage].users++
		}
	}
	if len(st.def.In) > 0 && !required && len(st.in) == 0 && !c.unwired {
		var say []string
		for _, in := range st.def.In {
			say = append(say, fmt.Sprintf("%q: STAGE", in.Name))
		}
		c.fault(at, st.id, "nothing is given to it; want "+portNames(st.def.In)+", or one of them", `say which: "in": {`+strings.Join(say, ", ")+"}")
	}
}

// knownInputs finds inputs in the spec that the stage does not have.
func (c *checker) knownInputs(st *stage, spec StageSpec, at string) {
	for _, f := range slices.Sorted(maps.Keys(spec.In)) {
		if _, ok := find(st.def.In, f); ok {
			continue
		}
		hint := "its inputs: " + portNames(st.def.In)
		if len(st.def.In) == 0 {
			hint = "it has none"
		} else if near := nearest.Name(f, strings.Split(portNames(st.def.In), ", ")); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		c.fault(at+pointer("in", f), st.id, fmt.Sprintf("%q is no input of %s", f, st.def.Name), hint)
		c.unwired = true
	}
}

// explicit wires an input to the outputs that the spec names.
func (c *checker) explicit(st *stage, in audiosep.Port, given []string, at string) {
	if len(given) > 1 && !in.Many {
		c.fault(at, st.id, fmt.Sprintf("input %q has %s; it takes one", in.Name, counted.Of(len(given), "stage")), "")
		c.unwired = true
		return
	}
	var wired []Ref
	for i, name := range given {
		where := at
		if len(given) > 1 {
			where += pointer(i)
		}
		ref, ok := c.output(st, in, name, where)
		if !ok {
			c.unwired = true
			return
		}
		wired = append(wired, ref)
	}
	st.in[in.Name] = wired
}

// output resolves "stage" or "stage.port" as given for an input.
func (c *checker) output(st *stage, in audiosep.Port, given, at string) (Ref, bool) {
	id, port, hasPort := strings.Cut(given, ".")
	from := c.p.byID[id]
	if from == nil {
		var above []string
		for _, s := range c.p.stages {
			above = append(above, s.id)
		}
		hint := "stages above: " + strings.Join(above, ", ")
		if len(above) == 0 {
			hint = "no stage stands above"
		}
		c.fault(at, st.id, fmt.Sprintf("input %q names %q, which is no stage above", in.Name, id), hint)
		return Ref{}, false
	}
	if from.unknown { // and told so
		return Ref{}, false
	}
	for _, out := range from.def.Out {
		if out.Cargo == in.Cargo && (!hasPort || out.Name == port) {
			return Ref{id, out.Name}, true
		}
	}
	hint := ""
	if could := c.providers(in.Cargo); len(could) > 0 {
		hint = "it could take " + refs(could, " or ")
	}
	what := fmt.Sprintf("%q", given)
	if given != from.def.Name {
		what += " (" + from.def.Name + ")"
	}
	c.fault(at, st.id, fmt.Sprintf("input %q wants %s, but %s makes %s", in.Name, in.Cargo, what, makes(from.def)), hint)
	return Ref{}, false
}

// infer wires an input to the one output above that can feed it; to the last of several if
// all the others led to it, as read_audio does to resample; or, if it takes many, to all.
func (c *checker) infer(st *stage, in audiosep.Port, at string) {
	could := c.providers(in.Cargo)
	switch {
	case len(could) == 1 || in.Many && len(could) > 0:
		st.in[in.Name] = could
		return
	case len(could) > 1 && c.endsChain(could):
		st.in[in.Name] = could[len(could)-1:]
		return
	case len(could) > 1:
		c.fault(at, st.id, fmt.Sprintf("input %q could come from %s", in.Name, refs(could, " or ")),
			fmt.Sprintf(`say which: "in": {%q: %q}`, in.Name, could[len(could)-1]))
	case !c.unknownAbove():
		hint := "what makes it: " + strings.Join(c.reg.Makers(in.Cargo), ", ")
		c.fault(at, st.id, fmt.Sprintf("input %q wants %s, which no stage above makes", in.Name, in.Cargo), hint)
	}
	c.unwired = true
}

// endsChain tells whether the last of outputs came of all the others.
func (c *checker) endsChain(could []Ref) bool {
	above := map[string]bool{}
	var climb func(id string)
	climb = func(id string) {
		for _, from := range c.p.byID[id].in {
			for _, ref := range from {
				if !above[ref.Stage] {
					above[ref.Stage] = true
					climb(ref.Stage)
				}
			}
		}
	}
	last := could[len(could)-1]
	climb(last.Stage)
	return !slices.ContainsFunc(could[:len(could)-1], func(r Ref) bool { return !above[r.Stage] })
}

func (c *checker) providers(cargo audiosep.Cargo) (could []Ref) {
	for _, s := range c.p.stages {
		for _, out := range s.def.Out {
			if out.Cargo == cargo && c.p.byID[s.id] == s {
				could = append(could, Ref{s.id, out.Name})
			}
		}
	}
	return could
}

// unknownAbove tells whether a stage above is unknown: what is missing may be its.
func (c *checker) unknownAbove() bool {
	return slices.ContainsFunc(c.p.stages, func(s *stage) bool { return s.unknown })
}

// refs lists references, not more than a person reads.
func refs(all []Ref, sep string) string {
	const most = 8
	if n := len(all) - most; n > 1 {
		return refs(all[:most], sep) + fmt.Sprintf("%s%d more", sep, n)
	}
	s := make([]string, len(all))
	for i, r := range all {
		s[i] = r.String()
	}
	return strings.Join(s, sep)
}

// reportPorts holds the report's patterns against the ports that there are.
func (c *checker) reportPorts() {
	for i, pattern := range c.Report.Ports {
		matched, err := false, error(nil)
		for _, st := range c.p.stages {
			for _, out := range st.def.Out {
				var ok bool
				if ok, err = path.Match(pattern, Ref{st.id, out.Name}.String()); ok {
					matched = true
					st.users++
				}
			}
		}
		if err != nil {
			c.fault(pointer("report", "ports", i), "", fmt.Sprintf("the pattern %q is not well formed; want stage.port, with * for any", pattern), "")
		} else if !matched && !c.unknownAbove() {
			c.fault(pointer("report", "ports", i), "", fmt.Sprintf("no port is called %q; want stage.port, with * for any", pattern), "ports: "+refs(c.outputs(), ", "))
		}
	}
}

// outputs returns all that there are.
func (c *checker) outputs() (all []Ref) {
	for _, st := range c.p.stages {
		for _, out := range st.def.Out {
			all = append(all, Ref{st.id, out.Name})
		}
	}
	return all
}

// Wiring returns a table of the stages and of what feeds their inputs.
func (p *Pipeline) Wiring() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, st := range p.stages {
		var in []string
		for _, port := range st.def.In {
			if from, ok := st.in[port.Name]; ok {
				in = append(in, port.Name+" <- "+refs(from, " + "))
			}
		}
		line := st.id + "\t" + st.def.Name
		if len(in) > 0 {
			line += "\t" + strings.Join(in, ", ")
		}
		fmt.Fprintln(w, line)
	}
	w.Flush()
	return b.String()
}
