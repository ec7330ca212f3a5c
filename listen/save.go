package listen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/separators"
)

// Files of a folder that a page saved. The pipeline needs the first four alone; the others are
// for going on.
const (
	pipelineFile = "pipeline.json"
	paintFile    = "paint.json"
	notesFile    = "notes.csv"
	startFile    = "start.npz"
	sessionFile  = "session.json"
	solutionFile = "solution.npz"
	stemsFolder  = "stems"
)

// saved is session.json.
type saved struct {
	Version   int    `json:"audiosep_listen"`
	Recording string `json:"recording"` // relative to the folder, or absolute
	Plan      Plan   `json:"plan"`
	Solved    Plan   `json:"solved"` // what solution.npz is of
	Start     bool   `json:"start"`  // whether that went on from start.npz; one of an earlier save may lie there
}

// line is a stage of a spec, with the parameters that differ from their defaults.
type line struct {
	Use    string            `json:"use"`
	ID     string            `json:"id,omitempty"`
	Params map[string]any    `json:"params,omitempty"`
	In     map[string]string `json:"in,omitempty"`
}

// differing returns the parameters of p that are not as in defaults.
func differing(defaults, p any) map[string]any {
	own, usual := map[string]any{}, map[string]any{}
	for i, from := range []any{p, defaults} {
		text, _ := json.Marshal(from) // plain structs, which can be
		json.Unmarshal(text, []*map[string]any{&own, &usual}[i])
	}
	for name, value := range own {
		if reflect.DeepEqual(value, usual[name]) || value == nil {
			delete(own, name)
		}
	}
	return own
}

// spec returns the text of the pipeline that makes the stems of a plan and its solution,
// relative to a folder.
func (r *recording) spec(p *Plan, s *solution, dir, format string) []byte {
	lines := []line{
		{Use: "read_audio", Params: map[string]any{"files": []string{r.seenFrom(dir)}}},
		{Use: "frame", Params: map[string]any{"length_ms": *r.frame.LengthMS, "overlap": *r.frame.Overlap, "window": r.frame.Window}},
		{Use: "stft"},
	}
	nmf := func(q factorizers.NMFParams, in map[string]string) line {
		return line{Use: "kl_nmf", Params: differing(factorizers.DefaultKLNMF(), q), In: in}
	}
	mask := line{Use: "wiener", Params: differing(separators.DefaultWiener(), p.mask(s)), In: map[string]string{"factors": "kl_nmf"}}
	switch s.plan.Method {
	case "nmf":
		lines = append(lines, nmf(s.plan.nmf(), nil), mask)
	case "score":
		lines = append(lines, line{Use: "read_notes", Params: map[string]any{"file": notesFile}}, line{Use: "score_factors"},
			nmf(s.plan.refine(), map[string]string{"init_factors": "score_factors"}), mask)
	case "paint":
		paint := line{Use: "painted_nmf", Params: differing(factorizers.DefaultPaintedNMF(), s.plan.paint())}
		paint.Params["file"] = paintFile
		if s.start != nil {
			lines = append(lines, line{Use: "load_model", ID: "start", Params: map[string]any{"file": startFile}})
			paint.In = map[string]string{"init_factors": "start.factors"}
		}
		lines = append(lines, paint)
	}
	write := line{Use: "write_audio", Params: map[string]any{"pattern": stemsFolder + "/{source}"}}
	if format != "wav" {
		write.Params["format"] = format
	}
	return specText("Stems of "+r.name(), s.plan.Seed, append(lines, write))
}

// specText writes a spec as people do, a stage a line.
func specText(name string, seed uint64, lines []line) []byte {
	var b bytes.Buffer
	enc := func(v any) string {
		var one bytes.Buffer
		e := json.NewEncoder(&one)
		e.SetEscapeHTML(false)
		e.Encode(v)
		return strings.TrimSpace(one.String())
	}
	fmt.Fprintf(&b, "{\n  \"audiosep\": 1,\n  \"name\": %s,\n  \"seed\": %d,\n  \"stages\": [\n", enc(name), seed)
	for i, l := range lines {
		end := ","
		if i == len(lines)-1 {
			end = ""
		}
		fmt.Fprintf(&b, "    %s%s\n", enc(l), end)
	}
	b.WriteString("  ]\n}\n")
	return b.Bytes()
}

// write writes the files of a session into a folder, all or none.
func (r *recording) write(ctx context.Context, dir string, p *Plan, s *solution, format string) (files []string, err error) {
	// What a page saved may be replaced, nothing else.
	_, before := os.Stat(filepath.Join(dir, sessionFile))
	if _, err := os.Stat(dir); err == nil && before != nil {
		return nil, fmt.Errorf("%s is there already, and no page saved it; want another name", dir)
	}
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	file := func(name string, write func(io.Writer) error) {
		if err != nil {
			return
		}
		var f *whole.File
		if f, err = set.Create(filepath.Join(dir, name)); err == nil {
			err = write(f)
			files = append(files, name)
		}
	}
	text := func(b []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(b); return err }
	}
	model := func(f *audiosep.Factors) func(io.Writer) error {
		return func(w io.Writer) error { return models.Write(ctx, w, audiosep.Model{Factors: f, Framing: f.Framing}) }
	}
	file(pipelineFile, text(r.spec(p, s, dir, format)))
	switch s.plan.Method {
	case "paint":
		b, _ := json.MarshalIndent(s.plan.Paint, "", " ")
		file(paintFile, text(append(b, '\n')))
		if s.start != nil {
			file(startFile, model(s.start))
		}
	case "score":
		file(notesFile, text(s.plan.notesCSV()))
	}
	file(solutionFile, model(s.factors))
	b, _ := json.MarshalIndent(saved{1, r.seenFrom(dir), *p, s.plan, s.start != nil}, "", " ")
	file(sessionFile, text(append(b, '\n')))
	if err == nil {
		err = set.Commit(ctx)
	}
	return files, err
}

// notesCSV has the notes where they were moved to, in a form that read_notes reads back to
// the bit.
func (p *Plan) notesCSV() []byte {
	var b bytes.Buffer
	b.WriteString("source,onset,offset,pitch,velocity\n")
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	for _, n := range p.score() {
		pitch := ""
		if n.Pitch == n.Pitch { // no NaN
			pitch = number(n.Pitch)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s\n", `"`+strings.ReplaceAll(n.Source, `"`, `""`)+`"`, number(n.Onset), number(n.Offset), pitch, number(n.Velocity))
	}
	return b.Bytes()
}

// asked is what is to be saved, and how.
type asked struct {
	Name   string `json:"name"`   // of the folder
	Format string `json:"format"` // of stems: wav, flac
}

func (s *Server) asked(r *http.Request) (a asked, dir string, err error) {
	if a, err = body(r, asked{Format: "wav"}); err != nil {
		return a, "", err
	}
	if a.Format != "wav" && a.Format != "flac" {
		return a, "", fmt.Errorf("the format is %q; want wav or flac", a.Format)
	}
	name, err := folderName(a.Name)
	return a, filepath.Join(s.out, name), err
}

// result is what was written.
type result struct {
	Folder string   `json:"folder"`
	Files  []string `json:"files"`
}

// save writes the pipeline and what else is needed to go on.
func (s *Server) save(w http.ResponseWriter, r *http.Request, x *session) error {
	a, dir, err := s.asked(r)
	if err != nil {
		return err
	}
	p, sol, err := x.current()
	if err != nil {
		return err
	}
	files, err := s.r.write(r.Context(), dir, &p, sol, a.Format)
	if err != nil {
		return err
	}
	return reply(w, result{dir, files})
}

// export saves, and writes the stems, a project for REAPER and one for Audacity.
func (s *Server) export(w http.ResponseWriter, r *http.Request, x *session) error {
	a, dir, err := s.asked(r)
	if err != nil {
		return err
	}
	p, sol, err := x.current()
	if err != nil {
		return err
	}
	err = x.begin(s.ctx, "export", func(ctx context.Context, report func(string, audiosep.Step)) (any, error) {
		files, err := s.r.write(ctx, dir, &p, sol, a.Format)
		if err != nil {
			return nil, err
		}
		stems, err := s.r.stems(ctx, &p, sol)
		if err != nil {
			return nil, err
		}
		q := audio.DefaultWriteAudio()
		q.Pattern, q.Format, q.Overwrite = filepath.Join(dir, stemsFolder, "{source}"), a.Format, true
		sink, err := audio.NewWriteAudio(q)
		if err != nil {
			return nil, err
		}
		env := audiosep.Env{Progress: func(st audiosep.Step) { report("write_audio", st) }}
		if err := audiosep.Write(ctx, env, sink, stems); err != nil {
			return nil, err
		}
		var paths []string
		for _, path := range sink.(audiosep.Writer).Writes() {
			rel, _ := filepath.Rel(dir, path)
			paths = append(paths, filepath.ToSlash(rel))
		}
		projects, err := s.r.projects(ctx, dir, &p, stems.Names(), paths)
		return result{dir, append(append(files, paths...), projects...)}, err
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// recording returns the path of the recording of a folder that a page saved.
func (s *saved) recording(dir string) string {
	if filepath.IsAbs(s.Recording) {
		return s.Recording
	}
	return filepath.Join(dir, filepath.FromSlash(s.Recording))
}

// readSaved reads what a page saved into a folder; its error is fs.ErrNotExist where none did.
func readSaved(dir string) (s saved, err error) {
	s.Plan, s.Solved = newPlan(), newPlan() // what an older page did not save is as in a new one
	f, err := whole.Open(filepath.Join(dir, sessionFile))
	if err == nil {
		var text []byte
		text, err = io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err == nil {
			err = json.Unmarshal(text, &s)
		}
	}
	if err == nil && s.Version != 1 {
		err = fmt.Errorf("it is of version %d; want 1", s.Version)
	}
	if err == nil {
		err = errors.Join(s.Plan.Validate(), s.Solved.Validate())
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", filepath.Join(dir, sessionFile), err)
	}
	return s, nil
}

// restore begins a session with what a folder has.
func (s *Server) restore(dir string, from *saved) (err error) {
	load := func(name string) (*audiosep.Factors, error) {
		m, err := models.Load(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if m.Factors == nil || m.Factors.W == nil || m.Factors.H == nil {
			return nil, fmt.Errorf("%s has no factors; want W and H", filepath.Join(dir, name))
		}
		m.Factors.Framing = m.Framing
		return m.Factors, m.Factors.Validate(s.r.power.Bins(), s.r.x.Framing().Columns())
	}
	sol := &solution{plan: from.Solved}
	if from.Solved.Method == "paint" { // whose stems are more than their factors
		if from.Start {
			if sol.start, err = load(startFile); err != nil {
				return err
			}
		}
		env := audiosep.Env{Seed: stageSeed(&from.Solved, "painted_nmf")}
		sol.painted, sol.factors, err = s.r.paintOver(s.ctx, env, &from.Solved, sol.start)
	} else {
		sol.factors, err = load(solutionFile)
	}
	if err != nil {
		return err
	}
	sol.tiles = newTileSets(s.r, sol.factors)
	x := s.newSession()
	x.keep(sol)
	from.Plan.Solution = sol.id
	return x.setPlan(from.Plan)
}
