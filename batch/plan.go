package batch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"

	"github.com/audiosep/audiosep/batch/helper"
)

// Plan is what a manifest is to be made of.
type Plan struct {
	Registry *pipeline.Registry
	Pipeline *pipeline.Pipeline // checked, with any recording
	Pins     map[string]string  // SHA-256 of the plugins that it uses
	Version  string             // of the program
	Inputs   []string
	Settings []Setting // nil: one, the pipeline's own
	// Reference names the folder of an item's true stems: {dir} is that of its recording,
	// {input} the name of it, without extension. Where there is no such folder nothing is
	// measured; it is an error if no recording has one. Empty: nothing is.
	Reference string
	// Progress, if it is not nil, is told how many inputs have been looked at.
	Progress func(done, of int)
	Open     helper.Opener // opens URLs among the inputs; nil: there are none

	stores  opened
	scratch scratch
}

// Failure is something that went wrong with one input or item.
type Failure struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name"`
	Input string `json:"input"`
	Error string `json:"error"`
	Tries int    `json:"tries,omitempty"`
}

// Write writes the manifest. Inputs that cannot be read are left out and returned. An error
// is one of the pipeline, pipeline.Problems, or of writing.
func (p *Plan) Write(ctx context.Context, w io.Writer) (bad []Failure, err error) {
	p.stores.open = p.Open
	defer func() { err = errors.Join(err, p.stores.close(), p.scratch.close()) }()
	settings, header, err := p.settings(ctx)
	if err != nil {
		return nil, err
	}
	if p.Reference != "" && slices.ContainsFunc(p.Inputs, isURL) {
		return nil, errors.New("there is a pattern of folders of true stems, and some recordings are in no folder; want recordings and stems on this machine")
	}
	if err := p.referred(); err != nil {
		return nil, err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(header); err != nil {
		return nil, err
	}
	names := itemNames(p.Inputs)
	err = inOrder(ctx, len(p.Inputs), func(i int) (*looked, error) { return p.look(ctx, p.Inputs[i], settings) }, func(i int, l *looked, err error) error {
		if p.Progress != nil {
			p.Progress(i+1, len(p.Inputs))
		}
		if far := (*storeError)(nil); errors.As(err, &far) {
			return err
		}
		if err != nil {
			bad = append(bad, Failure{Name: names[i], Input: p.Inputs[i], Error: err.Error()})
			return nil
		}
		for s, set := range settings {
			if err := enc.Encode(p.item(names[i], p.Inputs[i], l, s, set)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = out.Flush()
	}
	return bad, err
}

// inOrder computes so many values on all processors, and passes them on in order.
func inOrder[T any](ctx context.Context, n int, compute func(i int) (T, error), emit func(i int, v T, err error) error) error {
	type result struct {
		v   T
		err error
	}
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan result, 4*runtime.GOMAXPROCS(0))
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	g.Go(func() error {
		defer close(queue)
		for i := range n {
			slot := make(chan result, 1)
			select {
			case queue <- slot:
			case <-ctx.Done():
				return ctx.Err()
			}
			limit <- struct{}{}
			go func() {
				v, err := compute(i)
				slot <- result{v, err}
				<-limit
			}()
		}
		return nil
	})
	g.Go(func() error {
		i := 0
		for slot := range queue {
			r := <-slot
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := emit(i, r.v, r.err); err != nil {
				return err
			}
			i++
		}
		return nil
	})
	return g.Wait()
}

// placeholder stands for the recording in the text of which ids are made.
const placeholder = "input"

// planned is a setting and what can be said of it once for all recordings.
type planned struct {
	Setting
	header *Header
	text   []byte // of the pipeline, with hashes for files
	mu     sync.Mutex
	needs  map[form]pipeline.Forecast
}

// form is what the needs of a recording depend on.
type form struct {
	rate, channels, samples int
	encoding, kind          string // kind is the end of the file's name
}

// settings checks the pipeline under each setting. header is that of the manifest.
func (p *Plan) settings(ctx context.Context) (all []*planned, header *Header, err error) {
	text, err := canonical(p.Pipeline, p.Pins, func(path string) (string, error) { return filepath.Abs(path) })
	if err != nil {
		return nil, nil, err
	}
	header = &Header{Manifest: Format, Version: p.Version, Pipeline: text}
	if r := p.Pipeline.Report; r != nil {
		if r.References != "" {
			return nil, nil, errors.New("the report has references, which are those of one recording; want none in a batch, and audiosep eval for its stems")
		}
		header.Report = &Report{pipeline.Relative(p.Pipeline.Out, r.Dir), r.Ports}
	}
	settings := p.Settings
	if settings == nil {
		settings = []Setting{{}}
	}
	for _, s := range settings {
		checked, err := p.check(header, &Item{Set: s.Set, Seed: s.Seed, Input: []string{placeholder}})
		if err != nil {
			return nil, nil, err
		}
		checked.Name = ""
		hashed, err := canonical(checked, p.Pins, func(path string) (string, error) {
			if path == abs(placeholder) {
				return placeholder, nil
			}
			_, sum, err := whole.Sum(ctx, path)
			return "sha256:" + sum, err
		})
		if err != nil {
			return nil, nil, err
		}
		if header.Report != nil {
			hashed = fmt.Appendf(hashed, "\n%q", header.Report)
		}
		all = append(all, &planned{Setting: s, header: header, text: hashed, needs: map[form]pipeline.Forecast{}})
	}
	return all, header, nil
}

// canonical returns a pipeline with everything said; file names the files that it reads.
func canonical(p *pipeline.Pipeline, pins map[string]string, file func(path string) (string, error)) ([]byte, error) {
	var errs []error
	text, err := p.Canonical(func(path string, out bool) string {
		if out {
			return pipeline.Relative(p.Out, path)
		}
		name, err := file(path)
		if err != nil {
			errs = append(errs, err)
		}
		return name
	}, pins)
	return text, errors.Join(append(errs, err)...)
}

// spec returns the pipeline of an item, to be run in a folder.
func (h *Header) spec(it *Item, dir string) (*pipeline.Spec, error) {
	spec, err := pipeline.Parse(filepath.Join(filepath.Dir(dir), "pipeline"), h.Pipeline)
	if err != nil {
		return nil, err
	}
	spec.Out = dir
	spec.SetInput("--input "+it.Input[0], it.Input...)
	for _, arg := range it.Set {
		spec.Set(arg)
	}
	if it.Seed != nil {
		spec.Seed = *it.Seed
	}
	if h.Report != nil {
		spec.Report = &pipeline.ReportSpec{Dir: h.Report.Dir, Ports: h.Report.Ports}
	}
	return spec, nil
}

func (p *Plan) check(h *Header, it *Item) (*pipeline.Pipeline, error) {
	spec, err := h.spec(it, p.Pipeline.Out)
	if err != nil {
		return nil, err
	}
	return pipeline.Check(spec, p.Registry)
}

// coreSpeed is that of a usual core, in billion operations a second. Estimates order runs and are
// corrected by what runs have taken, so a manifest need not know its machines.
const coreSpeed = 20

// looked is what was found out about a recording.
type looked struct {
	head  audiosep.Head
	sum   string
	needs []pipeline.Forecast // under each setting
}

// look finds out what a recording is, and what separating it will take.
func (p *Plan) look(ctx context.Context, input string, settings []*planned) (_ *looked, err error) {
	here, err := p.scratch.bring(ctx, &Item{Input: []string{input}}, &p.stores)
	if err != nil {
		return nil, err
	}
	defer here.close()
	if here.files != nil {
		name := input
		input = here.files[0]
		defer func() {
			if err != nil {
				err = &namedError{err, strings.ReplaceAll(err.Error(), input, name)}
			}
		}()
	}
	file, err := audio.Open(input)
	if err != nil {
		return nil, err
	}
	head, err := file.Head(ctx)
	if file.Close(); err != nil {
		return nil, err
	}
	l := &looked{head: head}
	if _, l.sum, err = whole.Sum(ctx, input); err != nil {
		return nil, err
	}
	for _, s := range settings {
		n, err := p.estimate(ctx, s, input, head)
		if err != nil {
			return nil, err
		}
		l.needs = append(l.needs, n)
	}
	return l, nil
}

// estimate returns what a recording needs; recordings of the same form need the same.
func (p *Plan) estimate(ctx context.Context, s *planned, input string, h audiosep.Head) (pipeline.Forecast, error) {
	key := form{h.Rate, h.Channels, h.Samples, h.Encoding, strings.ToLower(filepath.Ext(input))}
	s.mu.Lock()
	n, ok := s.needs[key]
	s.mu.Unlock()
	if ok {
		return n, nil
	}
	checked, err := p.check(s.header, &Item{Set: s.Set, Seed: s.Seed, Input: []string{input}})
	if err != nil {
		return n, err
	}
	if n, err = checked.Forecast(ctx); err != nil {
		return n, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.needs[key] = n
	return n, nil
}

// item makes the line of a recording under a setting.
func (p *Plan) item(name, input string, l *looked, at int, s *planned) *Item {
	it := &Item{Name: name, Input: []string{input}, SHA256: []string{l.sum}, Set: s.Set, Seed: s.Seed,
		Audio: float64(l.head.Samples) / float64(max(1, l.head.Rate)), Seconds: l.needs[at].Seconds / coreSpeed, Memory: l.needs[at].Bytes}
	if s.Name != "" {
		it.Name += "/" + s.Name
	}
	h := sha256.New()
	fmt.Fprintf(h, "audiosep item %d\n%s\n%s\n%s\n", Format, p.Version, l.sum, s.text)
	it.ID = hex.EncodeToString(h.Sum(nil))
	if dir, there := p.referenceOf(input); there {
		it.Reference = abs(dir)
	}
	return it
}

// referenceOf returns the folder of a recording's true stems, and tells whether it is there.
func (p *Plan) referenceOf(input string) (dir string, there bool) {
	if p.Reference == "" {
		return "", false
	}
	base := filepath.Base(input)
	dir = strings.NewReplacer("{dir}", filepath.Dir(input), "{input}", strings.TrimSuffix(base, filepath.Ext(base))).Replace(p.Reference)
	info, err := os.Stat(dir)
	return dir, err == nil && info.IsDir()
}

// referred says that no recording has a folder of true stems, where there is a pattern for them.
func (p *Plan) referred() error {
	if p.Reference == "" || len(p.Inputs) == 0 || slices.ContainsFunc(p.Inputs, func(input string) bool { _, there := p.referenceOf(input); return there }) {
		return nil
	}
	dir, _ := p.referenceOf(p.Inputs[0])
	return fmt.Errorf("no recording has a folder of true stems by the pattern %s: there is no folder %s; want another pattern (--reference), with {dir} for the folder of the recording and {input} for its name, or none", p.Reference, abs(dir))
}

// unsafe are the characters that name folders or drives on some system, or are refused.
var unsafe = regexp.MustCompile(`[/\\:*?"<>|\x00-\x1f]`)

// itemNames returns the names of the folders of recordings.
func itemNames(inputs []string) []string {
	names := audio.Names(inputs)
	taken := map[string]bool{}
	for i, name := range names {
		name = strings.Trim(unsafe.ReplaceAllString(name, "_"), " ")
		if strings.HasPrefix(name, ".") || name == "" {
			name = "_" + name
		}
		for free := name; ; free += "_" {
			if !taken[strings.ToLower(free)] {
				name = free
				break
			}
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}
