package pipeline

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/nearest"
)

// Version is the version of the spec format that this package reads.
const Version = 1

// Spec is a pipeline as written: a flat list of stages. Its form is right; whether its
// stages exist, and fit, is for [Check] to say. [Parse] reads one; a program may also
// fill one in, and is then told of its faults without places.
type Spec struct {
	Name    string
	About   string // what it is for, and when not to use it
	Options []Option
	Seed    uint64
	Stages  []StageSpec
	Report  *ReportSpec
	Needs   []Need         // the versions that plugins must have
	Plugins map[string]Pin // by the plugin's name

	// Dir is the folder that files to read are relative to; Parse sets it to the
	// spec's own. Out is the same for files to write.
	Dir, Out string

	file    string
	text    []byte
	root    *node
	flags   map[string]string // JSON pointer -> the flag that set the value there
	inputs  []string          // from SetInput
	inputOf []inputOf         // from SetInputOf
	// ownReport says that the report's folder is not the spec's choice.
	ownReport bool
	inFlag    string
	setErrs   Problems
	// misnamed are fields that are none, and such as are wrong but say nothing that stages depend
	// on: what else is wrong can be told with them.
	misnamed Problems
	vague    map[int]bool // stages with such fields
}

// Option is a flag that a spec adds to the command line: what it is given, some parameters get.
type Option struct {
	Name     string
	About    string
	Sets     []string // STAGE.PARAMETER
	Required bool     // the pipeline means nothing without it
	Excludes []string // other options that mean nothing beside it
	Min      *float64 // the least number that it may be given; nil where its parameters say what it may be
	// Multiples are parameters that get so many times the number that the option is given, where
	// no other flag sets them.
	Multiples []Multiple
}

// Multiple is a parameter, STAGE.PARAMETER, and how many times a number it gets.
type Multiple struct {
	Set   string
	Times int
}

// inputOf are files that the stage with the id is to read, by a flag.
type inputOf struct {
	id, flag string
	files    []string
}

// StageSpec is one stage as written.
type StageSpec struct {
	Use    string // name of a stage, or plugin/stage
	ID     string // defaults to Use without its plugin
	Params json.RawMessage
	In     map[string][]string // input -> stage or stage.port; several where it takes many
}

// ReportSpec asks for what passed some ports to be written to a folder.
type ReportSpec struct {
	Dir        string
	Ports      []string // patterns such as "tl_nmf.*"
	References string   // a folder of true stems that those written are held against; empty: none
}

var idSyntax = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// Parse reads a spec. file is its name, for messages and to find the files it names.
// The error is Problems: every fault of form, with its place. Where these are no more than fields
// that are none, they are told by [Check], with all others, and by Misnamed.
func Parse(file string, text []byte) (*Spec, error) {
	s := &Spec{Dir: filepath.Dir(file), Out: filepath.Dir(file), file: file, text: text}
	root, bad := readJSON(text)
	if bad != nil {
		line, col := lineCol(text, bad.at)
		return nil, Problems{{File: file, Line: line, Col: col, What: bad.what}}
	}
	s.root = root
	p := &parser{Spec: s}
	p.spec(root)
	if len(p.problems) > 0 {
		return nil, append(p.problems, s.misnamed...).err()
	}
	return s, nil
}

// Misnamed returns the faults of form that Parse leaves to Check, nil if there are none. Call it where
// Check is not called.
func (s *Spec) Misnamed() error { return slices.Clone(s.misnamed).err() }

// File returns the name that Parse was given.
func (s *Spec) File() string { return s.file }

// problem makes a Problem of the value, or of the nearest one around it that stands in
// the text, at path.
func (s *Spec) problem(path, stage, what, hint string) Problem {
	p := Problem{File: s.file, Path: path, Stage: stage, What: what, Hint: hint}
	for at := path; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
		if flag, ok := s.flags[at]; ok {
			p.Flag = flag
			break
		}
	}
	if s.root != nil {
		p.Line, p.Col = lineCol(s.text, s.root.locate(path))
	}
	return p
}

// locate returns the offset of the value at a JSON pointer, or of the innermost value
// on the way to it that is there.
func (n *node) locate(path string) int {
	for path != "" {
		key, rest, _ := strings.Cut(path[1:], "/")
		if rest != "" {
			rest = "/" + rest
		}
		key = pointerKey.Replace(key)
		next := n.get(key)
		if i, err := strconv.Atoi(key); n.kind == '[' && err == nil && i >= 0 && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			break
		}
		n, path = next, rest
	}
	return n.start
}

// How keys stand in a JSON pointer (RFC 6901), and how they are read from one. A replacer has a table
// of kilobytes, which is built once, not for each of the many places of a pipeline.
var (
	keyInPointer = strings.NewReplacer("~", "~0", "/", "~1")
	pointerKey   = strings.NewReplacer("~1", "/", "~0", "~")
)

func pointer(keys ...any) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteByte('/')
		b.WriteString(keyInPointer.Replace(fmt.Sprint(k)))
	}
	return b.String()
}

// parser reads the form of a spec and collects what is wrong with it.
type parser struct {
	*Spec
	problems Problems
	stage    string // id of the stage being read, for messages
}

func (p *parser) fault(at int, hint, format string, args ...any) {
	line, col := lineCol(p.text, at)
	p.problems = append(p.problems, Problem{File: p.file, Line: line, Col: col, Stage: p.stage, What: fmt.Sprintf(format, args...), Hint: hint})
}

// readers names the fields that an object may have and what reads each.
type readers []struct {
	name string
	read func(n *node)
}

// mostFields bounds how many faults an object of other fields can have.
const mostFields = 1000

// object reads an object's fields; unknown and repeated ones are faults.
func (p *parser) object(n *node, what string, known readers) bool {
	if n.kind != '{' {
		p.fault(n.start, "", "%s is %s; want an object: {…}", what, n.describe())
		return false
	}
	if len(n.fields) > mostFields {
		p.fault(n.start, "", "%s has %d fields; want at most %d", what, len(n.fields), mostFields)
		return false
	}
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	seen := map[string]bool{}
fields:
	for _, f := range n.fields {
		if seen[f.name] {
			p.late(f.value, func() { p.fault(f.start, "", "%q stands twice in %s; want it once", f.name, what) })
			continue
		}
		seen[f.name] = true
		for _, k := range known {
			if k.name == f.name {
				k.read(f.value)
				continue fields
			}
		}
		hint := "its fields: " + strings.Join(names, ", ")
		if near := nearest.Name(f.name, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		p.late(f.value, func() { p.fault(f.start, hint, "%q is no field of %s", f.name, what) })
	}
	return true
}

// late has the faults of a value that read finds told by Check. An object that is no stage's may be
// meant to say which plugins may run, so its faults are told before any is started.
func (p *parser) late(of *node, read func()) {
	n := len(p.problems)
	read()
	if of.kind == '{' && p.stage == "" {
		return
	}
	p.misnamed = append(p.misnamed, p.problems[n:]...)
	p.problems = p.problems[:n:n]
}

func (p *parser) string(n *node, what string, dst *string) {
	if n.kind != '"' {
		p.fault(n.start, "", "%s is %s; want a text", what, n.describe())
		return
	}
	*dst = n.text
}

func (p *parser) spec(n *node) {
	version := 0
	ok := p.object(n, "the spec", readers{
		{"$schema", func(n *node) { var ignored string; p.late(n, func() { p.string(n, "$schema", &ignored) }) }},
		{"audiosep", func(n *node) { version = p.version(n) }},
		{"name", func(n *node) { p.late(n, func() { p.string(n, "name", &p.Name) }) }},
		{"about", func(n *node) { p.late(n, func() { p.string(n, "about", &p.About) }) }},
		{"options", p.options},
		{"seed", func(n *node) { p.late(n, func() { p.seed(n) }) }},
		{"stages", p.stages},
		{"report", p.report},
		{"needs", p.needs},
		{"plugins", p.plugins},
	})
	if !ok {
		return
	}
	if n.get("audiosep") == nil {
		p.fault(n.start, "", `the format version is missing; want "audiosep": %d`, Version)
	} else if version != Version && version != 0 {
		p.fault(n.get("audiosep").start, "", "the format version is %d; this program reads version %d", version, Version)
	}
	if n.get("stages") == nil {
		p.fault(n.start, "", `the spec has no stages; want "stages": [{"use": …}, …]`)
	}
}

func (p *parser) version(n *node) int {
	v, err := strconv.Atoi(string(n.raw))
	if n.kind != '0' || err != nil || v < 1 {
		p.fault(n.start, "", "the format version is %s; want %d", n.describe(), Version)
		return 0
	}
	return v
}

func (p *parser) seed(n *node) {
	seed, err := strconv.ParseUint(string(n.raw), 10, 64)
	if n.kind != '0' || err != nil {
		p.fault(n.start, "", "seed is %s; want a whole number, 0 to 2⁶⁴-1", n.describe())
	}
	p.Seed = seed
}

var optionSyntax = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func (p *parser) options(n *node) {
	if n.kind != '{' {
		p.fault(n.start, "", "options is %s; want an object: {…}", n.describe())
		return
	}
	seen := map[string]bool{}
	for _, f := range n.fields {
		if !optionSyntax.MatchString(f.name) || seen[f.name] {
			p.fault(f.start, "", "an option is called %q; want lower-case letters, digits and -, each name once", f.name)
		}
		seen[f.name] = true
		o := Option{Name: f.name}
		p.object(f.value, "an option", readers{
			{"about", func(n *node) { p.string(n, "about", &o.About) }},
			{"required", func(n *node) {
				if o.Required = n.kind == 't'; n.kind != 't' && n.kind != 'f' {
					p.fault(n.start, "", "required is %s; want true or false", n.describe())
				}
			}},
			{"sets", func(n *node) { o.Sets = p.strings(n, "sets") }},
			{"excludes", func(n *node) { o.Excludes = p.strings(n, "excludes") }},
			{"multiples", func(n *node) { o.Multiples = p.multiples(n) }},
			{"min", func(n *node) { o.Min = p.number(n, "min") }},
		})
		if len(o.Sets) == 0 && f.value.kind == '{' {
			p.fault(f.value.start, "", `option %q sets nothing; want "sets": STAGE.PARAMETER, or a list of them`, f.name)
		}
		p.Options = append(p.Options, o)
	}
}

// strings reads a text, or a list of texts.
func (p *parser) strings(n *node, what string) (all []string) {
	items := []*node{n}
	if n.kind == '[' {
		items = n.items
	}
	for _, item := range items {
		var s string
		p.string(item, what, &s)
		all = append(all, s)
	}
	return all
}

// number reads a number.
func (p *parser) number(n *node, what string) *float64 {
	x, err := strconv.ParseFloat(string(n.raw), 64)
	if n.kind != '0' || err != nil {
		p.fault(n.start, "", "%s is %s; want a number", what, n.describe())
		return nil
	}
	return &x
}

// multiples reads an object from parameters to whole numbers.
func (p *parser) multiples(n *node) (all []Multiple) {
	if n.kind != '{' {
		p.fault(n.start, "", `multiples is %s; want an object such as {"nmf.rank": 5}`, n.describe())
		return nil
	}
	for _, f := range n.fields {
		times, err := strconv.Atoi(string(f.value.raw))
		if f.value.kind != '0' || err != nil || times < 1 {
			p.fault(f.value.start, "", "multiples %q is %s; want a whole number, 1 or more", f.name, f.value.describe())
		}
		all = append(all, Multiple{f.name, times})
	}
	return all
}

// mostStages bounds the time that checking takes: what can feed a stage is looked for among
// all above it.
const mostStages = 1000

func (p *parser) stages(n *node) {
	if n.kind != '[' {
		p.fault(n.start, "", "stages is %s; want a list of stages", n.describe())
		return
	}
	if len(n.items) == 0 {
		p.fault(n.start, "", "stages is empty; want at least one stage")
	}
	if len(n.items) > mostStages {
		p.fault(n.start, "", "there are %d stages; want at most %d", len(n.items), mostStages)
		return
	}
	for _, item := range n.items {
		p.Stages = append(p.Stages, p.stageSpec(item))
	}
	p.stage = ""
}

func (p *parser) stageSpec(n *node) (s StageSpec) {
	p.stage = n.stageID()
	misnamed := len(p.misnamed)
	defer func() {
		if len(p.misnamed) > misnamed {
			if p.vague == nil {
				p.vague = map[int]bool{}
			}
			p.vague[len(p.Stages)] = true
		}
	}()
	ok := p.object(n, "a stage", readers{
		{"use", func(n *node) { p.string(n, "use", &s.Use) }},
		{"id", func(n *node) { p.string(n, "id", &s.ID) }},
		{"params", func(n *node) { s.Params = p.params(n) }},
		{"in", func(n *node) { s.In = p.inputs(n) }},
	})
	if !ok {
		return s
	}
	if u := n.get("use"); u == nil || u.kind == '"' && u.text == "" {
		p.fault(n.start, "", `the stage does not say what it is; want "use": the name of a stage`)
		return s
	}
	if s.ID == "" && n.get("id") == nil {
		s.ID = s.Use[strings.LastIndexByte(s.Use, '/')+1:]
	}
	if id := n.get("id"); id != nil && id.kind == '"' && !idSyntax.MatchString(s.ID) {
		p.fault(id.start, "", "id is %q; want letters, digits, _ and -", s.ID)
	}
	return s
}

// stageID is the id of a stage that may be broken, as well as it can be told.
func (n *node) stageID() string {
	for _, key := range []string{"id", "use"} {
		if v := n.get(key); v != nil && v.kind == '"' {
			return v.text[strings.LastIndexByte(v.text, '/')+1:]
		}
	}
	return ""
}

func (p *parser) params(n *node) json.RawMessage {
	if n.kind != '{' {
		p.fault(n.start, "", "params is %s; want an object: {…}", n.describe())
		return nil
	}
	seen := map[string]bool{}
	for _, f := range n.fields {
		if seen[f.name] {
			p.fault(f.start, "", "%q stands twice in params; want it once", f.name)
		}
		seen[f.name] = true
	}
	return json.RawMessage(n.raw)
}

// inputs reads what feeds each input: a text, or a list of texts.
func (p *parser) inputs(n *node) map[string][]string {
	const want = "want a text, a stage or stage.port, or a list of them"
	if n.kind != '{' {
		p.fault(n.start, "", "in is %s; want an object: {…}", n.describe())
		return nil
	}
	m := map[string][]string{}
	for _, f := range n.fields {
		if _, twice := m[f.name]; twice {
			p.fault(f.start, "", "%q stands twice in \"in\"; want it once", f.name)
		}
		items := []*node{f.value}
		if f.value.kind == '[' && len(f.value.items) > 0 {
			items = f.value.items
		}
		m[f.name] = nil
		if f.value.kind == '[' && len(f.value.items) == 0 {
			p.fault(f.value.start, "", "in %q is an empty list; want at least one stage or stage.port", f.name)
			continue
		}
		for _, item := range items {
			if item.kind != '"' {
				p.fault(item.start, "", "in %q is %s; %s", f.name, item.describe(), want)
			}
			m[f.name] = append(m[f.name], item.text)
		}
	}
	return m
}

func (p *parser) report(n *node) {
	p.Report = &ReportSpec{Dir: "report"}
	p.object(n, "the report", readers{
		{"dir", func(n *node) { p.string(n, "dir", &p.Report.Dir) }},
		{"references", func(n *node) { p.string(n, "references", &p.Report.References) }},
		{"ports", func(n *node) {
			if n.kind != '[' {
				p.fault(n.start, "", `ports is %s; want a list such as ["is_nmf.*"]`, n.describe())
			}
			for _, item := range n.items {
				var s string
				p.string(item, "a port", &s)
				p.Report.Ports = append(p.Report.Ports, s)
			}
		}},
	})
}

// Set overrides one parameter: arg is id.parameter=value, where value is JSON or, if it
// is not, a text. Faults are told by [Check], as those of the file are.
func (s *Spec) Set(arg string) {
	flag := "--set " + arg
	name, value, ok := strings.Cut(arg, "=")
	if id, param, dot := strings.Cut(name, "."); !ok || !dot || id == "" || param == "" {
		s.setErrs = append(s.setErrs, Problem{File: s.file, Flag: flag, What: "this sets no parameter; want STAGE.PARAMETER=VALUE, such as is_nmf.rank=12"})
		return
	}
	s.SetBy(flag, name, value)
}

// SetOption gives the parameters that an option sets a value, as Set does. One below the least that the option may be
// given is a fault of the option, told once, and sets nothing.
func (s *Spec) SetOption(o Option, value string) {
	flag := "--" + o.Name + " " + value
	if o.Min != nil {
		if x, err := strconv.ParseFloat(value, 64); err != nil || !(x >= *o.Min) {
			s.setErrs = append(s.setErrs, Problem{File: s.file, Flag: flag, What: fmt.Sprintf("want a number, at least %v", *o.Min)})
			return
		}
	}
	if n, err := strconv.Atoi(value); err == nil {
		for _, m := range o.Multiples {
			if !s.byFlag(m.Set) {
				s.SetBy(flag, m.Set, strconv.Itoa(n*m.Times))
			}
		}
	}
	for _, name := range o.Sets {
		s.SetBy(flag, name, value)
	}
}

// Given returns what the pipeline says an option's first parameter is, as JSON; empty where it says
// nothing.
func (s *Spec) Given(o Option) string {
	i, param := s.parameter(o.Sets[0])
	if i < 0 {
		return ""
	}
	var params map[string]json.RawMessage
	json.Unmarshal(s.Stages[i].Params, &params) // faults of them are told elsewhere
	return string(params[param])
}

// ParamOf returns the first of the parameters that an option sets, false where its stage is not in the registry.
func (s *Spec) ParamOf(o Option, reg *Registry) (audiosep.Param, bool) {
	i, param := s.parameter(o.Sets[0])
	if i < 0 {
		return audiosep.Param{}, false
	}
	def, _ := reg.Lookup(s.Stages[i].Use)
	at := slices.IndexFunc(def.Params, func(p audiosep.Param) bool { return p.Name == param })
	if at < 0 {
		return audiosep.Param{}, false
	}
	return def.Params[at], true
}

// byFlag tells whether a flag has set the parameter STAGE.PARAMETER.
func (s *Spec) byFlag(name string) bool {
	i, param := s.parameter(name)
	return i >= 0 && s.flags[pointer("stages", i, "params", param)] != ""
}

// parameter returns which stage STAGE.PARAMETER is of, -1 if there is none, and what it is called.
func (s *Spec) parameter(name string) (i int, param string) {
	id, param, _ := strings.Cut(name, ".")
	return slices.IndexFunc(s.Stages, func(st StageSpec) bool { return st.ID == id }), param
}

// SetBy gives the parameter STAGE.PARAMETER a value, as Set does, by a flag that faults name.
func (s *Spec) SetBy(flag, name, value string) {
	raw := []byte(value)
	if !jsontext.Value(raw).IsValid() {
		raw, _ = json.Marshal(value)
	}
	i, param := s.parameter(name)
	if i >= 0 {
		s.setParam(i, param, raw, flag)
		return
	}
	id, _, _ := strings.Cut(name, ".")
	var ids []string
	for _, st := range s.Stages {
		ids = append(ids, st.ID)
	}
	hint := "its stages: " + strings.Join(ids, ", ")
	if near := nearest.Name(id, ids); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	s.setErrs = append(s.setErrs, Problem{File: s.file, Flag: flag, What: fmt.Sprintf("no stage has the id %q", id), Hint: hint})
}

// setParam replaces or adds one parameter of stage i and remembers which flag did it.
func (s *Spec) setParam(i int, param string, value []byte, flag string) {
	st := &s.Stages[i]
	raw := st.Params
	if raw == nil {
		raw = json.RawMessage("{}")
	}
	n, _ := readJSON(raw) // it was read before
	var b strings.Builder
	b.WriteByte('{')
	for _, f := range n.fields {
		if f.name != param {
			name, _ := json.Marshal(f.name)
			fmt.Fprintf(&b, "%s: %s, ", name, f.value.raw)
		}
	}
	name, _ := json.Marshal(param)
	fmt.Fprintf(&b, "%s: %s}", name, value)
	st.Params = json.RawMessage(b.String())
	if s.flags == nil {
		s.flags = map[string]string{}
	}
	s.flags[pointer("stages", i, "params", param)] = flag
}

// SetInput has the pipeline's one source read other files, named relative to the
// working folder, with the flag as the origin of their names.
// Several are realisations of one scene, and the source is told so.
func (s *Spec) SetInput(flag string, files ...string) { s.inFlag, s.inputs = flag, files }

// SetInputOf has the stage of an id read other files, as SetInput does the one source.
func (s *Spec) SetInputOf(id, flag string, files ...string) {
	s.inputOf = append(s.inputOf, inputOf{id, flag, files})
}

// SetReport has a report written into dir, of the ports that match the patterns, whatever the
// spec says but for its references. dir is the caller's choice and may lie anywhere.
func (s *Spec) SetReport(dir string, ports ...string) {
	own := &ReportSpec{Dir: dir, Ports: ports}
	if s.Report != nil {
		own.References = s.Report.References
	}
	s.Report, s.ownReport = own, true
}

// PluginNames returns the plugins that the spec uses, each once, in order.
func (s *Spec) PluginNames() (names []string) {
	seen := map[string]bool{}
	for _, st := range s.Stages {
		if name, _, ok := strings.Cut(st.Use, "/"); ok && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
