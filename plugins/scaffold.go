package plugins

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/audiosep/audiosep"
)

//go:embed scaffold python/audiosep_plugin.py
var scaffold embed.FS

// Languages are those that Scaffold knows.
var Languages = []string{"go", "python"}

// ParsePort reads a port as a person writes it: "[NAME=]CARGO", with a question mark behind
// it if it is optional, a star if it takes many. Without a name it is called as its cargo.
func ParsePort(text string) (audiosep.Port, error) {
	name, cargo, named := strings.Cut(text, "=")
	if !named {
		cargo = name
	}
	p := audiosep.Port{}
	for strings.HasSuffix(cargo, "?") || strings.HasSuffix(cargo, "*") {
		p.Optional = p.Optional || strings.HasSuffix(cargo, "?")
		p.Many = p.Many || strings.HasSuffix(cargo, "*")
		cargo = cargo[:len(cargo)-1]
	}
	if p.Cargo, p.Name = audiosep.Cargo(cargo), name; !named {
		p.Name = cargo
	}
	if audiosep.TypeOf(p.Cargo) == nil {
		return p, fmt.Errorf("port %q has the cargo %q; want one of %v, perhaps with NAME= before it and ? (optional) or * (many) behind it", text, cargo, audiosep.Cargoes())
	}
	return p, nil
}

// commonShapes are those that have a beginning of their own, in the short form.
var commonShapes = []struct {
	name, words string
	shape       audiosep.Shape
}{
	{"source", "a source", shapeOf[audiosep.Source]()},
	{"framer", "a framer", shapeOf[audiosep.Framer]()},
	{"transformer", "a transformer", shapeOf[audiosep.Transformer]()},
	{"transform_learner", "a learner of transforms", shapeOf[audiosep.TransformLearner]()},
	{"factorizer", "a factorizer", shapeOf[audiosep.Factorizer]()},
	{"activator", "an activator", shapeOf[audiosep.Activator]()},
	{"joint_learner", "a joint learner", shapeOf[audiosep.JointLearner]()},
	{"separator", "a separator", shapeOf[audiosep.Separator]()},
	{"sink", "a sink", shapeOf[audiosep.Sink]()},
}

// common returns which of the common shapes ports are, in whatever order, -1 for none. What
// that may be given to begin with may be left out.
func common(in, out []audiosep.Port) int {
	for i, c := range commonShapes {
		asked := slices.DeleteFunc(slices.Clone(c.shape.In), func(p audiosep.Port) bool {
			return p.Optional && !slices.ContainsFunc(in, func(q audiosep.Port) bool { return sameButName(p, q) })
		})
		if slices.EqualFunc(byCargo(asked), byCargo(in), sameButName) && slices.EqualFunc(byCargo(c.shape.Out), byCargo(out), sameButName) {
			return i
		}
	}
	return -1
}

func byCargo(ports []audiosep.Port) []audiosep.Port {
	return slices.SortedStableFunc(slices.Values(ports), func(a, b audiosep.Port) int { return strings.Compare(string(a.Cargo), string(b.Cargo)) })
}

// sameButName reports whether q, called as its cargo or as p, is like p.
func sameButName(p, q audiosep.Port) bool {
	if q.Name == string(q.Cargo) {
		q.Name = p.Name
	}
	return p == q
}

// Project is a plugin to begin with: one stage with these ports, both called Name.
type Project struct {
	Dir      string // new
	Language string // one of Languages
	Name     string
	In, Out  []audiosep.Port
	Replace  string // Go: the folder of a clone of audiosep to build with; "": a released version
	Version  string // Go: that version, such as v1.2.3; "": the newest, whichever it is when it is built
}

// Scaffold writes a project that builds, tests and runs. It returns the files.
func Scaffold(p Project) ([]string, error) {
	if !nameSyntax.MatchString(p.Name) {
		return nil, fmt.Errorf("the name is %q; want lower-case letters, digits and _, beginning with a letter", p.Name)
	}
	if !slices.Contains(Languages, p.Language) {
		return nil, fmt.Errorf("the language is %q; want one of %v", p.Language, Languages)
	}
	if p.Replace != "" && p.Language != "go" {
		return nil, fmt.Errorf("a clone is to be built with, but the language is %s; want go", p.Language)
	}
	data, err := newScaffoldData(p)
	if err != nil {
		return nil, err
	}
	texts, err := scaffoldTexts(p, data)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(p.Dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(p.Dir, 0o755); err != nil {
		return nil, err
	}
	var written []string
	for to, text := range texts {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(to, prefix) {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(p.Dir, to), text, mode); err != nil {
			return nil, err
		}
		written = append(written, filepath.Join(p.Dir, to))
	}
	slices.Sort(written)
	return written, nil
}

// scaffoldTexts returns the contents of a project's files.
func scaffoldTexts(p Project, data *scaffoldData) (texts map[string][]byte, err error) {
	files := map[string]string{"README.md": "scaffold/" + p.Language + "/README.md", ".gitignore": "scaffold/" + p.Language + "/gitignore.txt", "pipeline.json": "scaffold/pipeline.json"}
	if p.Language == "go" {
		files["main.go"], files["go.mod"], files["main_test.go"] = "scaffold/go/"+data.template, "scaffold/go/go.mod.txt", "scaffold/go/main_test.txt"
	} else {
		files[prefix+p.Name], files["audiosep_plugin.py"] = "scaffold/python/"+data.template, "python/audiosep_plugin.py"
	}
	if strings.Contains(data.Spec, "mix.wav") {
		files["mix.wav"] = "scaffold/mix.wav"
	}
	texts = map[string][]byte{}
	for to, from := range files {
		if texts[to], err = scaffold.ReadFile(from); err != nil {
			return nil, err
		}
		if to != "audiosep_plugin.py" && to != "mix.wav" {
			if texts[to], err = expand(string(texts[to]), data); err != nil {
				return nil, err
			}
		}
	}
	return texts, nil
}

func expand(text string, data any) ([]byte, error) {
	t, err := template.New("").Delims("<<", ">>").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.Bytes(), err
}

// title makes a type's name of a stage's: PaddedDft of padded_dft.
func title(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// scaffoldData is what the templates are filled with.
type scaffoldData struct {
	Name, Title, Doc string
	Replace, Version string // the first quoted, as go.mod wants it
	What             string // "a transformer", "a stage that takes …"
	Spec             string // stages of a pipeline that uses it
	template         string // of the stage

	// Of stages of any shape:
	Uses    map[string]bool // helpers
	Imports []string
	Steps   []string // the body of run

	Known []known // what can be told of outputs beforehand

	In, Out            []goPort // in Go
	PyIn, PyOut, Names string   // in Python
	Args               string
}

type goPort struct{ Field, Type, Tag string }

func newScaffoldData(p Project) (*scaffoldData, error) {
	in, out := p.In, p.Out
	if len(in)+len(out) == 0 {
		return nil, fmt.Errorf("there are no ports; want at least one, such as audio")
	}
	if err := checkPorts(in, true); err != nil {
		return nil, fmt.Errorf("what it takes: %w", err)
	}
	if err := checkPorts(out, false); err != nil {
		return nil, fmt.Errorf("what it makes: %w", err)
	}
	d := &scaffoldData{Name: p.Name, Title: title(p.Name), Version: p.Version, Uses: map[string]bool{}}
	if p.Replace != "" {
		dir, err := filepath.Abs(p.Replace)
		if err != nil {
			return nil, err
		}
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !strings.HasPrefix(string(text), "module github.com/audiosep/audiosep\n") {
			return nil, fmt.Errorf("%s holds no go.mod of github.com/audiosep/audiosep; want a clone of it", p.Replace)
		}
		d.Replace = strconv.Quote(filepath.ToSlash(dir))
	}
	if i := common(in, out); i >= 0 {
		shape := commonShapes[i]
		d.What, d.template = shape.words, shape.name
		d.Spec = scaffoldSpec(d, shape.shape.In, shape.shape.Out)
		return d, nil
	}
	d.template = "any"
	d.What = fmt.Sprintf("a stage that takes %s and makes %s", portWords(in), portWords(out))
	d.Doc = "Takes " + portWords(in) + ", makes " + portWords(out) + "."
	d.Spec = scaffoldSpec(d, in, out)
	if p.Language == "go" {
		d.goStage(in, out)
	} else {
		d.pythonStage(in, out)
	}
	return d, nil
}

func portWords(ports []audiosep.Port) string {
	if len(ports) == 0 {
		return "nothing"
	}
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// makers say how a cargo is made in a pipeline, and from what.
var makers = map[audiosep.Cargo]struct {
	id, use string
	from    []audiosep.Cargo
}{
	audiosep.CargoAudio:     {"read_audio", `"read_audio", "params": {"files": ["mix.wav"]}`, nil},
	audiosep.CargoFrames:    {"frame", `"frame", "params": {"length_ms": 40}`, []audiosep.Cargo{audiosep.CargoAudio}},
	audiosep.CargoCoefs:     {"dct", `"dct"`, []audiosep.Cargo{audiosep.CargoFrames}},
	audiosep.CargoPower:     {"dct", `"dct"`, []audiosep.Cargo{audiosep.CargoFrames}},
	audiosep.CargoTransform: {"dct", `"dct"`, []audiosep.Cargo{audiosep.CargoFrames}},
	audiosep.CargoFactors:   {"is_nmf", `"is_nmf", "params": {"rank": 4}`, []audiosep.Cargo{audiosep.CargoPower}},
	audiosep.CargoSources:   {"wiener", `"wiener"`, []audiosep.Cargo{audiosep.CargoCoefs, audiosep.CargoFactors}},
	audiosep.CargoNotes:     {"score", `"%s/score"`, nil},
}

// scaffoldPipeline is a pipeline around a stage, as it grows.
type scaffoldPipeline struct {
	d      *scaffoldData
	id     string // the stage's
	stages []string
	ref    map[audiosep.Cargo]string // what there is of a cargo
	done   map[string]bool           // makers that are in it
}

func (p *scaffoldPipeline) add(use string, in ...string) {
	text := `{"use": ` + use
	if len(in) > 0 {
		text += `, "in": {` + strings.Join(in, ", ") + "}"
	}
	p.stages = append(p.stages, text+"}")
}

// need has a cargo be made, if it is not there.
func (p *scaffoldPipeline) need(c audiosep.Cargo) string {
	m := makers[c]
	if p.ref[c] != "" {
		return p.ref[c]
	}
	if p.ref[c] = m.id + "." + string(c); p.done[m.id] {
		return p.ref[c]
	}
	p.done[m.id] = true
	var in []string
	for _, from := range m.from {
		in = append(in, fmt.Sprintf("%q: %q", from, p.need(from)))
	}
	use := m.use
	if c == audiosep.CargoNotes {
		use, p.d.Uses["score"] = fmt.Sprintf(m.use, p.d.Name), true
	}
	p.add(use, in...)
	return p.ref[c]
}

// scaffoldSpec returns the stages of a pipeline that uses a stage with these ports.
func scaffoldSpec(d *scaffoldData, in, out []audiosep.Port) string {
	p := &scaffoldPipeline{d: d, id: d.Name, ref: map[audiosep.Cargo]string{}, done: map[string]bool{}}
	required := slices.ContainsFunc(in, func(q audiosep.Port) bool { return !q.Optional })
	var wired []string
	for _, q := range in {
		switch {
		case q.Optional && required:
		case q.Many:
			wired = append(wired, fmt.Sprintf("%q: [%q]", q.Name, p.need(q.Cargo)))
		default:
			wired = append(wired, fmt.Sprintf("%q: %q", q.Name, p.need(q.Cargo)))
		}
	}
	use := fmt.Sprintf(`"%s/%[1]s"`, d.Name)
	if reserved := []string{"cut", "stft", "hpss", "nmf", "write_audio", "save_model", "count"}; p.done[d.Name] || slices.Contains(reserved, d.Name) {
		p.id = "my_" + d.Name
		use += fmt.Sprintf(`, "id": %q`, p.id)
	}
	p.add(use, wired...)
	p.use(out)
	return "    " + strings.Join(p.stages, ",\n    ")
}

// use has one of the outputs be made use of, down to what is written.
func (p *scaffoldPipeline) use(out []audiosep.Port) {
	for _, q := range out {
		p.ref[q.Cargo] = p.id + "." + q.Name
	}
	has := func(c audiosep.Cargo) bool {
		return slices.ContainsFunc(out, func(q audiosep.Port) bool { return q.Cargo == c })
	}
	write := func() {
		p.add(`"write_audio"`, fmt.Sprintf(`"sources": %q`, p.ref[audiosep.CargoSources]))
	}
	switch {
	case len(out) == 0:
	case has(audiosep.CargoSources):
		write()
	case has(audiosep.CargoFactors) && p.d.template != "any":
		p.need(audiosep.CargoSources)
		write()
	case has(audiosep.CargoFactors):
		p.save(audiosep.CargoFactors)
	case has(audiosep.CargoPower) && !has(audiosep.CargoCoefs):
		p.add(`"is_nmf", "id": "nmf", "params": {"rank": 2}`, fmt.Sprintf(`"power": %q`, p.ref[audiosep.CargoPower]))
		p.ref[audiosep.CargoFactors] = "nmf.factors"
		p.save(audiosep.CargoFactors)
	case has(audiosep.CargoTransform) && !has(audiosep.CargoCoefs):
		p.save(audiosep.CargoTransform)
	case has(audiosep.CargoCoefs), has(audiosep.CargoFrames), has(audiosep.CargoAudio):
		p.after(has)
		write()
	default:
		p.d.Uses["count"] = true
		p.add(fmt.Sprintf(`"%s/count"`, p.d.Name), fmt.Sprintf(`"notes": %q`, p.ref[audiosep.CargoNotes]))
	}
}

// save keeps a part of a model.
func (p *scaffoldPipeline) save(c audiosep.Cargo) {
	p.add(fmt.Sprintf(`"save_model", "params": {"file": "%s.npz"}`, p.d.Name), fmt.Sprintf("%q: %q", c, p.ref[c]))
}

// after makes sources of the stage's audio, frames or coefficients: of its own, where it gives
// all that NMF needs, else by stages that come after it.
func (p *scaffoldPipeline) after(has func(audiosep.Cargo) bool) {
	if has(audiosep.CargoCoefs) && has(audiosep.CargoPower) {
		p.need(audiosep.CargoSources)
		return
	}
	if !has(audiosep.CargoCoefs) {
		if !has(audiosep.CargoFrames) {
			p.add(`"frame", "id": "cut", "params": {"length": 512}`, fmt.Sprintf(`"audio": %q`, p.ref[audiosep.CargoAudio]))
			p.ref[audiosep.CargoFrames] = "cut.frames"
		}
		p.add(`"stft"`, fmt.Sprintf(`"frames": %q`, p.ref[audiosep.CargoFrames]))
		p.ref[audiosep.CargoCoefs] = "stft.coefs"
	}
	p.add(`"hpss"`, fmt.Sprintf(`"coefs": %q`, p.ref[audiosep.CargoCoefs]))
	p.ref[audiosep.CargoSources] = "hpss.sources"
}
