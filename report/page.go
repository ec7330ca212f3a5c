package report

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/page"
	"github.com/audiosep/audiosep/internal/picture"
	"github.com/audiosep/audiosep/pipeline"
)

const (
	mostColumns = 2048     // of a spectrogram in the page
	mostPoints  = 2048     // of an activation
	mostDrawn   = 128      // components
	mostInside  = 24 << 20 // bytes of sound inside the page; beyond, it names the files beside it
)

// pageData is what report.html shows; the page's script knows it as Data.
type pageData struct {
	Name       string          `json:"name"`
	Stages     pipeline.Graph  `json:"pipeline"`
	Powers     []pagePower     `json:"powers"`
	Factors    []pageFactors   `json:"factors"`
	Transforms []pageTransform `json:"transforms"`
	Groups     []pageGroups    `json:"groups"`
	Said       []string        `json:"said"` // lines of JSON: stage, level, message, …
	Sounds     []pageSound     `json:"sounds"`
	SoundsOut  bool            `json:"beside"` // sounds are beside the page
	Metrics    []pageMetrics   `json:"metrics"`
	Unmeasured string          `json:"unmeasured"` // why the stems could not be held against the references
	Files      []string        `json:"files"`      // names of all files of the report, which the next in its folder replaces
}

// pagePower is a spectrogram, its columns the greatest of Run of V's.
type pagePower struct {
	Port    string  `json:"port"`
	Columns int     `json:"columns"`
	Seconds float64 `json:"seconds"` // from column to column
	First   float64 `json:"first"`   // s, of column 0
	Low     float64 `json:"low"`     // Hz
	High    float64 `json:"high"`
	Picture string  `json:"picture"` // Rows×Columns, relative to the greatest, in base64
}

type pageFactors struct {
	Port       string          `json:"port"`
	Seconds    float64         `json:"seconds"` // of all columns; 0: not known
	Low        float64         `json:"low"`     // Hz; 0: bins have no frequency
	High       float64         `json:"high"`
	Fitted     bool            `json:"fitted"` // frequencies are those of the sinusoids nearest to the rows of Φ
	Components []pageComponent `json:"components"`
	Of         int             `json:"of"` // components, of which the first are shown
	Objective  []float64       `json:"objective"`
	Stop       string          `json:"stop"`
	Groups     []pageGroup     `json:"groups"`
}

type pageComponent struct {
	Spectrum   string `json:"spectrum"`
	Activation string `json:"activation"`
}

type pageGroups struct {
	Port   string      `json:"port"`
	Groups []pageGroup `json:"groups"`
}

// pageGroup is a source, its components from 1 on.
type pageGroup struct {
	Name       string `json:"name"`
	Components []int  `json:"components"`
}

type pageSound struct {
	Name   string `json:"name"`
	Stage  string `json:"stage"`
	Source string `json:"source"` // an address: of data, or of the file beside the page
}

// see keeps what the page shows of a value.
func (r *Report) see(ref pipeline.Ref, value any) {
	switch v := value.(type) {
	case *mat.Dense:
		bins, _ := v.Dims()
		if a := r.axes(ref.Stage, bins, nil); a.Hz != nil && r.framing != nil {
			_, columns := v.Dims()
			p := newPowerPicture(ref, a, *r.framing, columns)
			p.add(0, v)
			r.page.Powers = append(r.page.Powers, p.drawn())
		}
	case audiosep.Power:
		r.unread = append(r.unread, unreadPower{ref, v})
	case *audiosep.Factors:
		if v.W != nil && v.H != nil {
			bins, _ := v.W.Dims()
			r.order(ref, v)
			w, a, fitted := v.W, r.axes(ref.Stage, bins, v.Framing), false
			l, rate := r.learntBy(ref.Stage, bins), r.rate()
			if fitted = a.Hz == nil && l != nil && l.Bins() == bins && rate > 0; fitted {
				w = l.tune(w, &a, rate)
			}
			f := drawnFactors(ref, v, w, a)
			f.Fitted = fitted
			r.page.Factors = append(r.page.Factors, f)
		}
	case audiosep.MatrixTransform:
		if l := r.learnt[ref.Stage]; l != nil {
			r.shown = append(r.shown, shownTransform{ref, r.rate(), l})
		}
	case []audiosep.Group:
		r.page.Groups = append(r.page.Groups, pageGroups{ref.String(), shownGroups(v)})
	}
}

func shownGroups(groups []audiosep.Group) []pageGroup {
	out := []pageGroup{}
	for _, g := range groups {
		one := pageGroup{g.Name, []int{}}
		for _, k := range g.Components {
			one.Components = append(one.Components, k+1)
		}
		out = append(out, one)
	}
	return out
}

// powerPicture becomes a picture of V as it is given V's columns: of each run of them the greatest.
type powerPicture struct {
	ref      pipeline.Ref
	axes     Axes
	framing  audiosep.Framing
	scale    *picture.Scale
	run, n   int // columns of V to one of the picture, and those of the picture
	mu       sync.Mutex
	greatest []float64 // picture.Rows×n
	full     float64   // the greatest of V
}

func newPowerPicture(ref pipeline.Ref, a Axes, f audiosep.Framing, columns int) *powerPicture {
	run := (columns + mostColumns - 1) / mostColumns
	n := (columns + run - 1) / run
	return &powerPicture{ref: ref, axes: a, framing: f, scale: picture.NewScale(a.Hz, float64(f.Rate)/2), run: run, n: n, greatest: make([]float64, picture.Rows*n)}
}

// add draws V's columns from first on; several may be added at once.
func (p *powerPicture) add(first int, v *mat.Dense) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = max(p.full, mat.Max(v))
	for i := range picture.Rows {
		for bin := p.scale.From[i]; bin < p.scale.To[i]; bin++ {
			for c, x := range v.RawRowView(bin) {
				at := &p.greatest[i*p.n+(first+c)/p.run]
				*at = max(*at, x)
			}
		}
	}
	return nil
}

func (p *powerPicture) drawn() pagePower {
	out := make([]byte, len(p.greatest))
	for i, x := range p.greatest {
		out[i] = picture.Loudness(x, p.full)
	}
	first := p.framing.Middle(0) + float64(p.run-1)/2*p.axes.Seconds
	return pagePower{p.ref.String(), p.n, p.axes.Seconds * float64(p.run), first, p.scale.Low, p.scale.High, base64.StdEncoding.EncodeToString(out)}
}

// unreadPower is V that no stage has read: the page shows it all the same, read block by block.
type unreadPower struct {
	ref pipeline.Ref
	audiosep.Power
}

// readPowers draws what no stage has read.
func (r *Report) readPowers(ctx context.Context) (all []pagePower, err error) {
	for _, u := range r.unread {
		f := u.Framing()
		a := r.axes(u.ref.Stage, u.Bins(), &f) // the transform has passed by now
		if a.Hz == nil {
			continue
		}
		p := newPowerPicture(u.ref, a, f, f.Columns())
		if err := audiosep.ReadPower(ctx, u.Power, p.add); err != nil {
			return nil, fmt.Errorf("the report of %v: %w", u.ref, err)
		}
		all = append(all, p.drawn())
	}
	return all, nil
}

// drawnFactors draws w, which is W or its rows in another order, and H.
func drawnFactors(ref pipeline.Ref, f *audiosep.Factors, w *mat.Dense, a Axes) pageFactors {
	_, cols := f.H.Dims()
	out := pageFactors{Port: ref.String(), Seconds: a.Seconds * float64(cols), Of: f.Rank(), Objective: f.Objective, Stop: f.Stop, Groups: shownGroups(f.Sources), Components: []pageComponent{}}
	bins, _ := f.W.Dims()
	hz, nyquist := a.Hz, 0.0
	if hz != nil {
		nyquist = hz[len(hz)-1]
	} else { // the rows of W as they stand, over the same axis without numbers
		for i := range bins {
			hz = append(hz, float64(i+1))
		}
		nyquist = float64(bins)
	}
	scale := picture.NewScale(hz, nyquist)
	if a.Hz != nil {
		out.Low, out.High = scale.Low, scale.High
	}
	most := mat.Max(f.H)
	for k := range min(mostDrawn, f.Rank()) {
		spectrum := mat.Col(nil, k, w)
		out.Components = append(out.Components, pageComponent{
			base64.StdEncoding.EncodeToString(scale.Spectrum(spectrum)),
			base64.StdEncoding.EncodeToString(picture.Activation(f.H.RawRowView(k), most, mostPoints)),
		})
	}
	return out
}

// playable are the kinds of sound that browsers play.
var playable = map[string]string{".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".m4a": "audio/mp4"}

// sounds are the recordings that a run has read and written: inside the page while all of them
// are not too long, else where they are, seen from the page.
func sounds(dir string, files []pipeline.File) (all []pageSound, beside bool, err error) {
	size := int64(0)
	files = slices.DeleteFunc(files, func(f pipeline.File) bool {
		info, err := os.Stat(f.Path)
		if err != nil || !info.Mode().IsRegular() || playable[strings.ToLower(filepath.Ext(f.Path))] == "" {
			return true
		}
		size += info.Size()
		return false
	})
	for _, f := range files {
		s := pageSound{Name: filepath.Base(f.Path), Stage: f.Stage}
		if size > mostInside {
			rel, err := filepath.Rel(dir, f.Path)
			if err != nil {
				rel = f.Path
			}
			s.Source = (&url.URL{Path: filepath.ToSlash(rel)}).String() // names may have # and ?
		} else {
			text, err := os.ReadFile(f.Path)
			if err != nil {
				return nil, false, err
			}
			s.Source = fmt.Sprintf("data:%s;base64,%s", playable[strings.ToLower(filepath.Ext(f.Path))], base64.StdEncoding.EncodeToString(text))
		}
		all = append(all, s)
	}
	return all, size > mostInside, nil
}

// writePage writes report.html, one file that opens from a disk.
func (r *Report) writePage(ctx context.Context) error {
	d := r.page
	d.Sounds = []pageSound{}
	for _, t := range r.shown {
		d.Transforms = append(d.Transforms, t.drawn())
	}
	powers, err := r.readPowers(ctx)
	if err != nil {
		return err
	}
	d.Powers = append(d.Powers, powers...)
	all, failed, err := r.measure(ctx)
	if err != nil {
		return err
	}
	d.Metrics, d.Unmeasured = append([]pageMetrics{}, all...), failed
	if r.Pipeline != nil {
		d.Name, d.Stages = r.Pipeline.Name, r.Pipeline.Graph()
		all, beside, err := sounds(r.dir, append(r.Pipeline.Reads(), r.Pipeline.Writes()...))
		if err != nil {
			return err
		}
		d.Sounds, d.SoundsOut = append(d.Sounds, all...), beside
	}
	f, err := r.create("report.html")
	if err != nil {
		return err
	}
	d.Files = slices.Sorted(slices.Values(r.names))
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = f.Write(page.Whole("report.html", text))
	return err
}
