package notes

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/labeltrack"
)

// What is read of MusicXML (score-partwise, version 4.0).
type (
	xmlScore struct {
		Parts []struct {
			ID    string `xml:"id,attr"`
			Name  string `xml:"part-name"`
			Drums []struct {
				ID  string  `xml:"id,attr"`
				Key float64 `xml:"midi-unpitched"`
			} `xml:"midi-instrument"`
		} `xml:"part-list>score-part"`
		Music []struct {
			ID       string       `xml:"id,attr"`
			Measures []xmlMeasure `xml:"measure"`
		} `xml:"part"`
	}
	xmlMeasure struct {
		Number string
		Events []any // *xmlNote, *xmlMove, *xmlAttributes, *xmlDirection, *xmlSound, *xmlBarline, in order
	}
	xmlNote struct {
		Grace     *struct{} `xml:"grace"`
		Cue       *struct{} `xml:"cue"`
		Chord     *struct{} `xml:"chord"`
		Rest      *struct{} `xml:"rest"`
		Unpitched *struct{} `xml:"unpitched"`
		Pitch     *struct {
			Step   string  `xml:"step"`
			Alter  float64 `xml:"alter"`
			Octave int     `xml:"octave"`
		} `xml:"pitch"`
		Duration float64 `xml:"duration"`
		Voice    string  `xml:"voice"`
		Ties     []struct {
			Type string `xml:"type,attr"`
		} `xml:"tie"`
		Instrument struct {
			ID string `xml:"id,attr"`
		} `xml:"instrument"`
		Dynamics float64 `xml:"dynamics,attr"`
	}
	xmlMove struct {
		XMLName  xml.Name
		Duration float64 `xml:"duration"`
	}
	xmlAttributes struct {
		Divisions float64 `xml:"divisions"`
		Transpose *struct {
			Chromatic float64 `xml:"chromatic"`
			Octaves   float64 `xml:"octave-change"`
		} `xml:"transpose"`
	}
	xmlSound struct {
		Tempo string `xml:"tempo,attr"`
		Jumps
	}
	// Jumps are the attributes of a sound that send the player elsewhere.
	Jumps struct {
		DaCapo   string `xml:"dacapo,attr"`
		DalSegno string `xml:"dalsegno,attr"`
		ToCoda   string `xml:"tocoda,attr"`
	}
	xmlDirection struct {
		Sound     *xmlSound `xml:"sound"`
		Metronome []struct {
			Unit      string     `xml:"beat-unit"`
			Dots      []struct{} `xml:"beat-unit-dot"`
			PerMinute string     `xml:"per-minute"`
		} `xml:"direction-type>metronome"`
	}
	xmlBarline struct {
		Repeat *struct{} `xml:"repeat"`
		Ending *struct{} `xml:"ending"`
	}
)

// UnmarshalXML keeps the order of what is in a measure, which is its meaning.
func (m *xmlMeasure) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	for _, a := range start.Attr {
		if a.Name.Local == "number" {
			m.Number = a.Value
		}
	}
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			if _, end := token.(xml.EndElement); end {
				return nil
			}
			continue
		}
		var v any
		switch e.Name.Local {
		case "note":
			v = new(xmlNote)
		case "backup", "forward":
			v = new(xmlMove)
		case "attributes":
			v = new(xmlAttributes)
		case "direction":
			v = new(xmlDirection)
		case "sound":
			v = new(xmlSound)
		case "barline":
			v = new(xmlBarline)
		default:
			if err := d.Skip(); err != nil {
				return err
			}
			continue
		}
		if err := d.DecodeElement(v, &e); err != nil {
			return fmt.Errorf("measure %s: %w", m.Number, err)
		}
		m.Events = append(m.Events, v)
	}
}

// parseMusicXML reads a score-partwise.
func parseMusicXML(text []byte) (audiosep.Notes, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("its letters are encoded as %s; want UTF-8", name)
	}
	var score xmlScore
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("there is no element in it; want score-partwise")
		} else if err != nil {
			return nil, err
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if e.Name.Local != "score-partwise" {
			return nil, fmt.Errorf("it is a %s; want MusicXML's score-partwise", e.Name.Local)
		}
		if err := d.DecodeElement(&score, &e); err != nil {
			line, _ := d.InputPos()
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		return score.notes()
	}
}

// xmlPart is a part while it is read. Places and durations are in quarter notes.
type xmlPart struct {
	source               string
	keys                 map[string]float64 // of the instruments of a drum kit
	divisions, transpose float64
	at, chord            float64 // where the next note begins; where the last did
	begin, measureEnd    float64
	notes                []xmlPlaced
	tied                 map[string]int // pitch and voice -> the note that is held on
	tempi                *[]tempo
}

type xmlPlaced struct {
	start, end, pitch, velocity float64
}

// notes returns the notes of all parts.
func (s *xmlScore) notes() (audiosep.Notes, error) {
	var tempi []tempo
	var parts []*xmlPart
	used := distinct{}
	for _, music := range s.Music {
		p := &xmlPart{source: music.ID, divisions: 1, keys: map[string]float64{}, tied: map[string]int{}, tempi: &tempi}
		for _, about := range s.Parts {
			if about.ID != music.ID {
				continue
			}
			if name := strings.Join(strings.Fields(about.Name), " "); name != "" {
				p.source = name
			}
			for _, d := range about.Drums {
				p.keys[d.ID] = d.Key - 1 // MusicXML counts from 1
			}
		}
		p.source = used.add(p.source)
		for i, m := range music.Measures {
			if err := p.measure(m); err != nil {
				return nil, fmt.Errorf("part %q, measure %s (number %d in the file): %w", p.source, m.Number, i+1, err)
			}
		}
		parts = append(parts, p)
	}
	times := newTempi(tempi)
	var all audiosep.Notes
	for _, p := range parts {
		for _, n := range p.notes {
			note := audiosep.Note{Onset: times.at(n.start), Offset: times.at(n.end), Pitch: n.pitch, Source: p.source, Velocity: n.velocity}
			if err := checkSpan(note.Onset, note.Offset); err != nil {
				return nil, fmt.Errorf("part %q: a note: %w", p.source, err)
			}
			all = append(all, note)
		}
	}
	return all, nil
}

// measure reads a measure. It ends where the voice that comes farthest does.
func (p *xmlPart) measure(m xmlMeasure) error {
	p.at, p.chord, p.measureEnd = p.begin, p.begin, p.begin
	for _, e := range m.Events {
		var err error
		switch e := e.(type) {
		case *xmlAttributes:
			err = p.attributes(e)
		case *xmlNote:
			err = p.note(e)
		case *xmlMove:
			err = p.move(e)
		case *xmlDirection:
			err = p.direction(e)
		case *xmlSound:
			err = p.sound(e)
		case *xmlBarline:
			if e.Repeat != nil || e.Ending != nil {
				err = fmt.Errorf("it has a repeat, which is not unfolded; want a score that is written out (MuseScore: Tools, Unroll repeats)")
			}
		}
		if err != nil {
			return err
		}
		p.measureEnd = max(p.measureEnd, p.at)
	}
	p.begin = p.measureEnd
	return checkNumber(len(p.notes))
}

func (p *xmlPart) attributes(a *xmlAttributes) error {
	if a.Divisions != 0 {
		if !(a.Divisions > 0 && a.Divisions < 1e6) {
			return fmt.Errorf("divisions is %g; want a number above 0", a.Divisions)
		}
		p.divisions = a.Divisions
	}
	if a.Transpose != nil {
		p.transpose = a.Transpose.Chromatic + 12*a.Transpose.Octaves
	}
	return nil
}

// length returns a duration in quarter notes.
func (p *xmlPart) length(duration float64) (float64, error) {
	if !(duration >= 0 && duration <= latest) {
		return 0, fmt.Errorf("a duration is %g; want 0 or more", duration)
	}
	return duration / p.divisions, nil
}

func (p *xmlPart) move(m *xmlMove) error {
	d, err := p.length(m.Duration)
	if m.XMLName.Local == "backup" {
		d = -d
	}
	if p.at += d; p.at < p.begin-1e-9 && err == nil {
		err = fmt.Errorf("a backup goes %g quarter notes before the measure begins; want it to stay inside", p.begin-p.at)
	}
	return err
}

// direction reads the tempo of a direction, which its sound tells better than its metronome.
func (p *xmlPart) direction(d *xmlDirection) error {
	if d.Sound != nil && d.Sound.Tempo != "" {
		return p.sound(d.Sound)
	}
	for _, m := range d.Metronome {
		unit, known := map[string]float64{"whole": 4, "half": 2, "quarter": 1, "eighth": 0.5, "16th": 0.25}[m.Unit]
		perMinute, err := labeltrack.Number("tempo", strings.TrimSpace(m.PerMinute))
		if !known || err != nil {
			continue // such as ♩ = ♪, or "ca. 80"
		}
		if err := p.tempo(perMinute * unit * (2 - math.Exp2(-float64(len(m.Dots))))); err != nil {
			return err
		}
	}
	if d.Sound != nil {
		return p.sound(d.Sound)
	}
	return nil
}

func (p *xmlPart) sound(s *xmlSound) error {
	if s.DaCapo+s.DalSegno+s.ToCoda != "" {
		return fmt.Errorf("it has a jump (da capo, dal segno or coda), which is not followed; want a score that is written out")
	}
	if s.Tempo == "" {
		return nil
	}
	perMinute, err := labeltrack.Number("tempo", s.Tempo)
	if err != nil {
		return err
	}
	return p.tempo(perMinute)
}

func (p *xmlPart) tempo(perMinute float64) error {
	if err := checkTempo(perMinute); err != nil {
		return err
	}
	*p.tempi = append(*p.tempi, tempo{p.at, 60 / perMinute})
	return nil
}

// note reads a note, or what stands for one. Grace notes and cues have no time of their own
// and are left out.
func (p *xmlPart) note(n *xmlNote) error {
	d, err := p.length(n.Duration)
	if err != nil || n.Grace != nil {
		return err
	}
	start := p.at
	if n.Chord != nil {
		start = p.chord
	} else {
		p.chord, p.at = p.at, p.at+d
	}
	if n.Rest != nil || n.Cue != nil {
		return nil
	}
	pitch, err := p.pitch(n)
	if err != nil {
		return err
	}
	if d == 0 {
		return fmt.Errorf("a note has no duration; want one above 0")
	}
	velocity := 90.0 / 127
	if n.Dynamics > 0 { // in percent of 90
		velocity = min(1, n.Dynamics/100*90/127)
	}
	var begins, ends bool
	for _, t := range n.Ties {
		begins, ends = begins || t.Type == "start", ends || t.Type == "stop"
	}
	key := fmt.Sprint(pitch)
	held, ok := p.tied[key]
	if ends && ok && math.Abs(p.notes[held].end-start) < 1e-6 {
		p.notes[held].end = start + d
	} else {
		held = len(p.notes)
		p.notes = append(p.notes, xmlPlaced{start, start + d, pitch, velocity})
	}
	if delete(p.tied, key); begins {
		p.tied[key] = held
	}
	return nil
}

func (p *xmlPart) pitch(n *xmlNote) (float64, error) {
	if n.Unpitched != nil {
		if key, ok := p.keys[n.Instrument.ID]; ok && key >= 0 {
			return key, checkPitch(key)
		}
		return math.NaN(), nil
	}
	if n.Pitch == nil {
		return 0, fmt.Errorf("a note has neither pitch nor rest; want one of them")
	}
	step, ok := whiteKeys[n.Pitch.Step]
	if !ok {
		return 0, fmt.Errorf("a note's step is %q; want A to G", n.Pitch.Step)
	}
	if n.Pitch.Octave < -1 || n.Pitch.Octave > 12 || !(math.Abs(n.Pitch.Alter) <= 12) {
		return 0, fmt.Errorf("a note is in octave %d with alter %g; want octaves -1 to 12", n.Pitch.Octave, n.Pitch.Alter)
	}
	sounds := 12*float64(n.Pitch.Octave+1) + step + n.Pitch.Alter + p.transpose
	return sounds, checkPitch(sounds)
}
