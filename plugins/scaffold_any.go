package plugins

import (
	"fmt"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
)

// body writes what a stage of any shape does to begin with: what it makes of what it takes,
// by way of other cargoes if need be.
type body struct {
	d     *scaffoldData
	words words
	have  map[audiosep.Cargo]string // an expression for what there is
	given map[audiosep.Cargo]bool   // what the stage takes
	maybe map[audiosep.Cargo]string // an expression for what it may be given
}

// words are how a language says it: steps, with what they need in the place of %s, and the
// expression of the result.
type words map[string]struct {
	steps []string
	expr  string
	uses  []string
}

func newBody(d *scaffoldData, w words, in []audiosep.Port, input func(audiosep.Port) string) *body {
	b := &body{d, w, map[audiosep.Cargo]string{}, map[audiosep.Cargo]bool{}, map[audiosep.Cargo]string{}}
	for _, p := range in {
		switch {
		case !p.Optional && b.have[p.Cargo] == "":
			b.have[p.Cargo], b.given[p.Cargo] = input(p), true
		case p.Optional && !p.Many:
			b.maybe[p.Cargo] = input(p)
		}
	}
	return b
}

// do adds the steps of a word, made of the cargoes from, and returns the expression.
func (b *body) do(word string, from ...audiosep.Cargo) string {
	w := b.words[word]
	var args []any
	for _, c := range from {
		args = append(args, b.need(c))
	}
	for _, s := range w.steps {
		if strings.Contains(s, "%") {
			s = fmt.Sprintf(s, args...)
		}
		b.d.Steps = append(b.d.Steps, strings.Split(s, "\n")...)
	}
	for _, u := range w.uses {
		b.d.Uses[u] = true
	}
	if strings.Contains(w.expr, "%") {
		return fmt.Sprintf(w.expr, args...)
	}
	return w.expr
}

// need returns an expression for a cargo, making it if it is not there.
func (b *body) need(c audiosep.Cargo) string {
	if b.have[c] != "" {
		return b.have[c]
	}
	b.make(c)
	if b.maybe[c] != "" {
		steps := fmt.Sprintf(b.words["maybe"].steps[0], title(string(c)), audiosep.TypeOf(c), b.have[c], b.maybe[c])
		b.d.Steps = append(b.d.Steps, strings.Split(steps, "\n")...)
		b.have[c] = "maybe" + title(string(c))
	}
	return b.have[c]
}

// make makes a cargo.
func (b *body) make(c audiosep.Cargo) {
	is := func(c audiosep.Cargo) bool { return b.have[c] != "" }
	switch c {
	case audiosep.CargoAudio:
		switch {
		case is(audiosep.CargoSources):
			b.have[c] = b.do("audio of sources", audiosep.CargoSources)
		case is(audiosep.CargoFrames):
			b.have[c] = b.do("audio of frames", audiosep.CargoFrames)
		case is(audiosep.CargoCoefs):
			b.have[c] = b.do("audio of coefs", audiosep.CargoCoefs)
		case is(audiosep.CargoPower): // its faults must not go unseen
			b.do("look", audiosep.CargoPower)
			b.have[c] = b.do("tone")
		default:
			b.have[c] = b.do("tone")
		}
	case audiosep.CargoFrames:
		b.have[c] = b.do("frames", audiosep.CargoAudio)
	case audiosep.CargoCoefs:
		b.have[c] = b.do("coefs", audiosep.CargoFrames)
	case audiosep.CargoPower:
		b.have[c] = b.do("power", audiosep.CargoCoefs)
	case audiosep.CargoTransform:
		b.have[c] = b.do("transform", audiosep.CargoCoefs)
	case audiosep.CargoFactors:
		b.have[c] = b.do("factors", audiosep.CargoPower)
	case audiosep.CargoNotes:
		b.have[c] = b.do("notes", audiosep.CargoAudio)
	case audiosep.CargoSources:
		if b.given[audiosep.CargoCoefs] || b.maybe[audiosep.CargoCoefs] != "" && !b.given[audiosep.CargoAudio] {
			b.have[c] = b.do("sources of coefs", audiosep.CargoCoefs)
		} else {
			b.have[c] = b.do("sources of audio", audiosep.CargoAudio)
		}
	}
}

// output returns an expression for what comes out: where it is what came in, changed if
// that is easily said.
func (b *body) output(c audiosep.Cargo) string {
	if b.given[c] && b.words["changed "+string(c)].expr != "" {
		return b.do("changed "+string(c), c)
	}
	return b.need(c)
}

var goWords = words{
	"maybe":            {[]string{"var maybe%s %s = %s\nif %[4]s != nil {\n\tmaybe%[1]s = %[4]s\n}"}, "", nil},
	"tone":             {nil, "audiosep.Source(tone{})", []string{"tone"}},
	"audio of sources": {[]string{"parts, err := audiosep.Collect(ctx, %s)" + orReturn}, "audiosep.Source(parts[0])", nil},
	"audio of frames":  {nil, "%s.Source", nil},
	"audio of coefs": {[]string{`all, err := audiosep.Collect(ctx, audiosep.Separated(%s, []string{"all"}, 0, low))` + orReturn},
		"audiosep.Source(all[0])", []string{"low"}},
	"look":   {[]string{"if _, err := %s.V(ctx); err != nil {\n\treturn made, err\n}"}, "", nil},
	"frames": {[]string{"frames, err := cut(ctx, %s)" + orReturn}, "frames", []string{"cut"}},
	"coefs": {[]string{"transform, err := plain(ctx, %s.Framing.Length)" + orReturn, "coefs, err := audiosep.NewSpectra(%[1]s, transform)" + orReturn},
		"coefs", []string{"plain"}},
	"power":            {nil, "audiosep.PowerOf(%s, env.Report)", nil},
	"transform":        {nil, "&audiosep.FittedTransform{Transform: %s.Transform()}", nil},
	"factors":          {[]string{"factors, err := mean(ctx, %s)" + orReturn}, "factors", []string{"mean", "mat"}},
	"notes":            {[]string{"about, err := %s.Head(ctx)" + orReturn}, `audiosep.Notes{{Offset: float64(about.Samples) / float64(about.Rate), Pitch: 69, Velocity: 1}}`, nil},
	"sources of coefs": {nil, `&audiosep.SeparatedStems{X: %s, Sources: []string{"low", "high"}, Separate: low, Rest: true}`, []string{"low"}},
	"sources of audio": {[]string{"head, err := %s.Head(ctx)" + orReturn}, `audiosep.SeparatedAudio(%s, head, []string{"smooth", "rest"}, 4096, 2, smooth)`, []string{"smooth"}},
	"changed audio":    {nil, "softer{%s}", []string{"softer"}},
	"changed coefs":    {nil, "weaker{%s}", []string{"weaker"}},
}

const orReturn = "\nif err != nil {\n\treturn made, err\n}"

var pythonWords = words{
	"maybe":            {[]string{"maybe%s = %[3]s if %[4]s is None else %[4]s"}, "", nil},
	"tone":             {nil, `audio_of(Head(8000, 8000, names=["tone"]), tone)`, []string{"tone", "np", "audio_of", "Head"}},
	"audio of sources": {[]string{"parts = {j: [] for j in range(len(%s.names))}", "for source, block in %[1]s:", "    parts[source].append(block)", "first = np.concatenate(parts[0], axis=1)", readMemory}, "audio_of(%s.head, read)", []string{"np", "audio_of"}},
	"audio of frames":  {nil, "%s.audio", nil},
	"audio of coefs": {[]string{"for first in range(0, %s.count, 512):   # an error of theirs must not go unseen", "    %[1]s.read(first, min(512, %[1]s.count - first))"},
		`audio_of(Head(8000, 8000, names=["tone"]), tone)`, []string{"tone", "np", "audio_of", "Head"}},
	"look":             {[]string{"%s.v()"}, "", nil},
	"frames":           {[]string{"own_frames = cut(%s)"}, "own_frames", []string{"cut", "np", "Frames", "Framing"}},
	"coefs":            {[]string{"own_coefs = coefs_of(%s, transform_of(%[1]s.framing.length, Plain()))"}, "own_coefs", []string{"plain", "coefs_of", "transform_of"}},
	"power":            {nil, "power_of(%s)", []string{"power_of"}},
	"transform":        {nil, "%s.transform", nil},
	"factors":          {[]string{"own_factors = mean(%s)"}, "own_factors", []string{"mean", "np", "Factors"}},
	"notes":            {nil, "[Note(0, %s.head.samples / %[1]s.head.rate, 69)]", []string{"Note"}},
	"sources of coefs": {nil, `separated(%s, ["low", "high"], 0, low, rest=True)`, []string{"low", "np", "separated"}},
	"sources of audio": {nil, `separated_audio(%s, ["smooth", "rest"], 4096, 2, smooth)`, []string{"smooth", "np", "separated_audio"}},
	"changed audio":    {nil, "audio_of(%s.head, lambda at, n: %[1]s.read(at, n) / 2)", []string{"audio_of"}},
	"changed coefs":    {nil, "coefs_like(%s, lambda first, n: %[1]s.read(first, n) / 2)", []string{"coefs_like"}},
}

const readMemory = `
def read(at, n):
    y = np.zeros((len(first), n))
    start, stop = max(at, 0), min(at + n, first.shape[1])
    if start < stop:
        y[:, start - at:stop - at] = first[:, start:stop]
    return y
`

// sizes are how much there is of a cargo, in Go and in Python, without reading it.
var sizes = map[audiosep.Cargo][2]string{
	audiosep.CargoFrames:    {"%s.Framing.Frames()", "%s.count"},
	audiosep.CargoCoefs:     {"%s.Framing().Frames()", "%s.count"},
	audiosep.CargoPower:     {"%s.Framing().Columns()", "%s.framing.columns"},
	audiosep.CargoTransform: {"%s.Transform.Bins()", "%s.bins"},
	audiosep.CargoFactors:   {"%s.Rank()", "%s.w.shape[1]"},
	audiosep.CargoNotes:     {"len(%s)", "len(%s)"},
	audiosep.CargoSources:   {"len(%s.Names())", "len(%s.names)"},
}

// known is what a stage can tell of an output before it runs, in both languages.
type known struct{ Port, Go, Python string }

// tell notes what is known of an output beforehand: of factors and sources that the stage makes itself.
func (b *body) tell(p audiosep.Port, expr string) {
	for _, k := range []struct{ made, rank, names string }{
		{"factors", "1", ""}, {"own_factors", "1", ""}, {`"low", "high"`, "", `"low", "high"`}, {`"smooth", "rest"`, "", `"smooth", "rest"`},
	} {
		switch {
		case k.names != "" && strings.Contains(expr, k.made):
			b.d.Known = append(b.d.Known, known{p.Name, "Sources: []string{" + k.names + "}", "sources=[" + k.names + "]"})
		case k.rank != "" && expr == k.made:
			b.d.Known = append(b.d.Known, known{p.Name, "Rank: " + k.rank, "rank=" + k.rank})
		}
	}
}

// goStage fills in a stage in Go.
func (d *scaffoldData) goStage(in, out []audiosep.Port) {
	d.In, d.Out = goPorts(in), goPorts(out)
	b := newBody(d, goWords, in, func(p audiosep.Port) string {
		return "in." + title(p.Name) + map[bool]string{true: "[0]"}[p.Many]
	})
	for _, p := range out {
		expr := b.output(p.Cargo)
		b.tell(p, expr)
		d.Steps = append(d.Steps, fmt.Sprintf("made.%s = %s", title(p.Name), expr))
	}
	imports := []string{"context"}
	if len(out) == 0 {
		d.goWriter(in)
		imports = append(imports, "fmt", "os", "path/filepath")
	}
	if d.Uses["tone"] || d.Uses["cut"] {
		imports = append(imports, "math")
	}
	slices.Sort(imports)
	d.Imports = imports
}

// goWriter has the stage write down how much there is of each input.
func (d *scaffoldData) goWriter(in []audiosep.Port) {
	d.Uses["writer"] = true
	for _, p := range in {
		expr := "in." + title(p.Name)
		switch {
		case p.Many:
			d.Steps = append(d.Steps, fmt.Sprintf(`w.text += fmt.Sprintf("%s\t%%d\n", len(%s))`, p.Name, expr))
			continue
		case p.Optional:
			d.Steps = append(d.Steps, fmt.Sprintf(`w.text += fmt.Sprintf("%s\t%%v\n", %s != nil)`, p.Name, expr))
			continue
		case p.Cargo == audiosep.CargoAudio:
			d.Steps = append(d.Steps, strings.Split(fmt.Sprintf("%s, err := %s.Head(ctx)", p.Name, expr)+orReturn, "\n")...)
			d.Steps = append(d.Steps, fmt.Sprintf(`w.text += fmt.Sprintf("%s\t%%d\n", %[1]s.Samples)`, p.Name))
			continue
		}
		d.Steps = append(d.Steps, fmt.Sprintf(`w.text += fmt.Sprintf("%s\t%%d\n", %s)`, p.Name, fmt.Sprintf(sizes[p.Cargo][0], expr)))
	}
}

func goPorts(ports []audiosep.Port) (all []goPort) {
	for _, p := range ports {
		g := goPort{title(p.Name), audiosep.TypeOf(p.Cargo).String(), p.Name}
		if p.Many {
			g.Type, g.Tag = "[]"+g.Type, g.Tag+",many"
		}
		if p.Optional {
			g.Tag += ",optional"
		}
		all = append(all, g)
	}
	width := 0
	typed := 0
	for _, g := range all {
		width, typed = max(width, len(g.Field)), max(typed, len(g.Type))
	}
	for i := range all { // as gofmt aligns them
		all[i].Field += strings.Repeat(" ", width-len(all[i].Field))
		all[i].Type += strings.Repeat(" ", typed-len(all[i].Type))
	}
	return all
}

// pythonStage fills in a stage in Python.
func (d *scaffoldData) pythonStage(in, out []audiosep.Port) {
	d.PyIn, d.PyOut = pythonPorts(in), pythonPorts(out)
	for _, p := range in {
		d.Args += ", " + p.Name
	}
	b := newBody(d, pythonWords, in, func(p audiosep.Port) string {
		return p.Name + map[bool]string{true: "[0]"}[p.Many]
	})
	var made []string
	for _, p := range out {
		expr := b.output(p.Cargo)
		b.tell(p, expr)
		made = append(made, fmt.Sprintf("%q: %s", p.Name, expr))
	}
	if len(out) == 0 {
		d.Uses["writer"] = true
		d.Imports = append(d.Imports, "os")
		d.Steps = append(d.Steps, `self.text = ""`)
		for _, p := range in {
			size := fmt.Sprintf("%s is not None", p.Name)
			switch {
			case p.Many:
				size = fmt.Sprintf("len(%s)", p.Name)
			case !p.Optional && p.Cargo == audiosep.CargoAudio:
				size = p.Name + ".head.samples"
			case !p.Optional:
				size = fmt.Sprintf(sizes[p.Cargo][1], p.Name)
			}
			d.Steps = append(d.Steps, fmt.Sprintf(`self.text += "%s\t%%s\n" %% (%s)`, p.Name, size))
		}
	} else {
		d.Steps = append(d.Steps, "return {"+strings.Join(made, ", ")+"}")
	}
	names := []string{"serve"}
	for _, n := range []string{"Factors", "Frames", "Framing", "Head", "Note", "audio_of", "coefs_like", "coefs_of", "power_of", "separated", "separated_audio", "transform_of"} {
		if d.Uses[n] {
			names = append(names, n)
		}
	}
	if d.Uses["writer"] {
		names = append(names, "Param")
	}
	if d.Known != nil {
		names = append(names, "Forecast")
	}
	if d.Uses["score"] && !slices.Contains(names, "Note") {
		names = append(names, "Note")
	}
	slices.Sort(names)
	d.Names = strings.Join(names, ", ")
	if d.Uses["np"] {
		d.Imports = append(d.Imports, "numpy as np")
	}
}

func pythonPorts(ports []audiosep.Port) string {
	all := make([]string, len(ports))
	for i, p := range ports {
		cargo := string(p.Cargo)
		if p.Many {
			cargo += ",many"
		}
		if p.Optional {
			cargo += ",optional"
		}
		all[i] = fmt.Sprintf("%q: %q", p.Name, cargo)
	}
	return strings.Join(all, ", ")
}
