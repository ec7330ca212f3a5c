package listen

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/loopback"
	"github.com/audiosep/audiosep/internal/page"
	"github.com/audiosep/audiosep/notes"
)

const (
	// MostBody bounds what a page may send, in bytes: a score, or a plan with much paint.
	MostBody = 32 << 20
	// mostPlayed bounds the samples that are asked for at once.
	mostPlayed = 1 << 20
)

// Handler serves the page and what it asks for. Put it behind a guard: it trusts who asks.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", page.Handler("listen.html"))
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/recording":                func(w http.ResponseWriter, _ *http.Request) error { return reply(w, s.shown()) },
		"GET /api/sessions":                 func(w http.ResponseWriter, _ *http.Request) error { return reply(w, s.offers()) },
		"POST /api/sessions":                func(w http.ResponseWriter, _ *http.Request) error { return reply(w, s.newSession().state()) },
		"GET /api/tiles/{level}/{index}":    func(w http.ResponseWriter, r *http.Request) error { return sendTile(w, r, s.r.tiles) },
		"GET /api/audio/mixture":            s.mixture,
		"GET /api/audio/run/{run}/{stem}":   s.stemOfRun,
		"GET /api/audio/reference/{stem}":   s.reference,
		"GET /api/sessions/{id}":            s.in(func(w http.ResponseWriter, _ *http.Request, x *session) error { return reply(w, x.state()) }),
		"PUT /api/sessions/{id}/plan":       s.in(putPlan),
		"POST /api/sessions/{id}/solve":     s.in(s.solve),
		"DELETE /api/sessions/{id}/job":     s.in(func(w http.ResponseWriter, _ *http.Request, x *session) error { x.cancel(); return reply(w, nil) }),
		"GET /api/sessions/{id}/events":     s.in(func(w http.ResponseWriter, r *http.Request, x *session) error { x.events.Serve(w, r); return nil }),
		"GET /api/sessions/{id}/components": s.in(components),
		"GET /api/sessions/{id}/audio":      s.in(playMix),
		"GET /api/sessions/{id}/masks/{solution}/{components}/{level}/{index}": s.in(maskTile),
		"POST /api/sessions/{id}/score":                                        s.in(readScore),
		"GET /api/sessions/{id}/meters":                                        s.in(s.meters),
		"POST /api/sessions/{id}/save":                                         s.in(s.save),
		"POST /api/sessions/{id}/export":                                       s.in(s.export),
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				fail(w, err)
			}
		})
	}
	return mux
}

// in finds the session that a path names.
func (s *Server) in(answer func(http.ResponseWriter, *http.Request, *session) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			return fmt.Errorf("%q is no number of a session", r.PathValue("id"))
		}
		x, err := s.session(id)
		if err != nil {
			return err
		}
		return answer(w, r, x)
	}
}

func reply(w http.ResponseWriter, value any) error {
	return loopback.Reply(w, http.StatusOK, value)
}

// fail tells what went wrong as {"error": …}.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var long *http.MaxBytesError
	switch {
	case errors.Is(err, errBusy):
		status = http.StatusConflict
	case errors.Is(err, errGone):
		status = http.StatusGone
	case errors.As(err, &long):
		status, err = http.StatusRequestEntityTooLarge, fmt.Errorf("the request is longer than %d MiB", long.Limit>>20)
	}
	loopback.Reply(w, status, map[string]string{"error": err.Error()})
}

// body reads JSON over value; it is an error if a field is not known.
func body[T any](r *http.Request, value T) (T, error) {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&value); err != nil {
		return value, fmt.Errorf("the request cannot be read: %w", err)
	}
	return value, nil
}

func putPlan(w http.ResponseWriter, r *http.Request, x *session) error {
	p, err := body(r, newPlan())
	if err == nil {
		err = x.setPlan(p)
	}
	if err != nil {
		return err
	}
	return reply(w, nil)
}

func (s *Server) solve(w http.ResponseWriter, r *http.Request, x *session) error {
	p, err := body(r, newPlan())
	if err == nil {
		err = x.solve(s.ctx, p)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func components(w http.ResponseWriter, r *http.Request, x *session) error {
	p, sol, err := x.current()
	if err != nil {
		return err
	}
	shown, err := x.r.shown(r.Context(), sol, &p)
	if err != nil {
		return err
	}
	return reply(w, shown)
}

func readScore(w http.ResponseWriter, r *http.Request, _ *session) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	score, err := notes.Parse(text)
	if err != nil {
		return err
	}
	if len(score) > mostNotes {
		return fmt.Errorf("the score has %s; want at most %d", counted.Of(len(score), "note"), mostNotes)
	}
	out := make([]Note, len(score))
	for i, n := range score {
		out[i] = Note{Source: n.Source, Onset: n.Onset, Offset: n.Offset, Velocity: n.Velocity}
		if !math.IsNaN(n.Pitch) {
			out[i].Pitch = &n.Pitch
		}
	}
	return reply(w, out)
}

// numbers reads whole numbers of the address.
func numbers(r *http.Request, names ...string) ([]int, error) {
	var out []int
	for _, name := range names {
		text := r.PathValue(name)
		if text == "" {
			text = r.FormValue(name)
		}
		x, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%s is %q; want a whole number", name, text)
		}
		out = append(out, x)
	}
	return out, nil
}

func sendTile(w http.ResponseWriter, r *http.Request, t *tiles) error {
	at, err := numbers(r, "level", "index")
	if err != nil {
		return err
	}
	b, err := t.tile(r.Context(), at[0], at[1])
	if err != nil {
		return err
	}
	unchanging(w)
	w.Header().Set("Content-Type", "application/octet-stream")
	_, err = w.Write(b)
	return err
}

// unchanging says that an answer is always the same for its address.
func unchanging(w http.ResponseWriter) { w.Header().Set("Cache-Control", "private, max-age=86400") }

func maskTile(w http.ResponseWriter, r *http.Request, x *session) error {
	at, err := numbers(r, "solution")
	if err != nil {
		return err
	}
	sol, err := x.solution(at[0])
	if err != nil {
		return err
	}
	t, err := sol.tiles.of(r.PathValue("components"))
	if err != nil {
		return err
	}
	return sendTile(w, r, t)
}

// span reads which samples are asked for.
func (s *recording) span(r *http.Request) (at, n int, err error) {
	span, err := numbers(r, "at", "n")
	if err != nil {
		return 0, 0, err
	}
	if at, n = span[0], span[1]; at < 0 || at >= s.head.Samples || n < 1 || n > mostPlayed {
		return 0, 0, fmt.Errorf("%s from %d on are asked for; want 1 to %d, from 0 to %d on", counted.Of(n, "sample"), at, mostPlayed, s.head.Samples-1)
	}
	return at, min(n, s.head.Samples-at), nil
}

// sendSamples sends float32, channel after channel.
func sendSamples(w http.ResponseWriter, x [][]float64) error {
	unchanging(w)
	w.Header().Set("Content-Type", "application/octet-stream")
	b := make([]byte, 0, 4*len(x)*len(x[0]))
	for _, row := range x {
		for _, v := range row {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	_, err := w.Write(b)
	return err
}

func (s *Server) play(w http.ResponseWriter, r *http.Request, src audiosep.Source) error {
	at, n, err := s.r.span(r)
	if err != nil {
		return err
	}
	x, err := read(r.Context(), src, s.r.head.Layers(), at, n)
	if err != nil {
		return err
	}
	return sendSamples(w, x)
}

func (s *Server) mixture(w http.ResponseWriter, r *http.Request) error {
	return s.play(w, r, s.r.source)
}

func (s *Server) stemOfRun(w http.ResponseWriter, r *http.Request) error {
	at, err := numbers(r, "run", "stem")
	if err != nil {
		return err
	}
	if at[0] < 0 || at[0] >= len(s.runs) || at[1] < 0 || at[1] >= len(s.runs[at[0]].files) {
		return fmt.Errorf("there is no stem %d of run %d", at[1], at[0])
	}
	return s.play(w, r, s.runs[at[0]].files[at[1]])
}

func (s *Server) reference(w http.ResponseWriter, r *http.Request) error {
	at, err := numbers(r, "stem")
	if err != nil {
		return err
	}
	if s.references == nil || at[0] < 0 || at[0] >= len(s.references.files) {
		return fmt.Errorf("there is no reference %d", at[0])
	}
	return s.play(w, r, s.references.files[at[0]])
}

// playMix plays components of a solution, each with a gain.
func playMix(w http.ResponseWriter, r *http.Request, x *session) error {
	ids, err := numbers(r, "solution")
	if err != nil {
		return err
	}
	sol, err := x.solution(ids[0])
	if err != nil {
		return err
	}
	at, n, err := x.r.span(r)
	if err != nil {
		return err
	}
	var gains []float64
	for text := range strings.SplitSeq(r.FormValue("gains"), ",") {
		g, err := strconv.ParseFloat(text, 64)
		if err != nil || !(g >= 0 && g <= 4) {
			return fmt.Errorf("a gain is %q; want 0 to 4", text)
		}
		gains = append(gains, g)
	}
	y, err := x.r.mix(r.Context(), sol, gains, at, n)
	if err != nil {
		return err
	}
	return sendSamples(w, y)
}

// folderName is where a session is saved below the folder that the program was given: a name
// of one level.
func folderName(name string) (string, error) {
	if !loopback.PlainName(name, 100) {
		return "", fmt.Errorf("%q is no name for a folder; want letters, digits and spaces", name)
	}
	return name, nil
}
