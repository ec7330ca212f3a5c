package notes

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"gitlab.com/gomidi/midi/v2/smf"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/percussion"
)

// drumChannel is channel 10, counted from 0: its keys are drums (General MIDI).
const drumChannel = 9

// midiNote is a note of a MIDI file.
type midiNote struct {
	track      int
	channel    uint8
	key        uint8
	velocity   uint8
	start, end float64 // in quarter notes
}

// midiFile is what is read of a MIDI file.
type midiFile struct {
	notes    []midiNote
	tempi    []tempo
	names    []string        // of the tracks
	channels []map[uint8]int // [track] the notes on each channel
}

// parseMIDI reads a Standard MIDI file. It is an error if the file is damaged, counts time in
// frames of film, or has several songs (format 2).
func parseMIDI(text []byte) (audiosep.Notes, error) {
	song, err := readSMF(text)
	if err != nil {
		return nil, err
	}
	ticks, ok := song.TimeFormat.(smf.MetricTicks)
	if !ok {
		return nil, fmt.Errorf("it counts time as %v; want ticks a quarter note: save it again as format 0 or 1 with a tempo map", song.TimeFormat)
	}
	if song.Format() == 2 {
		return nil, fmt.Errorf("it is of format 2, several songs; want format 0 or 1")
	}
	m := &midiFile{}
	for _, track := range song.Tracks {
		if err := m.read(track, float64(ticks.Resolution())); err != nil {
			return nil, fmt.Errorf("track %d: %w", len(m.names), err)
		}
	}
	used := distinct{}
	for i, name := range m.names {
		if name = strings.Join(strings.Fields(name), " "); name != "" && len(m.channels[i]) > 0 {
			name = used.add(name)
		}
		m.names[i] = name
	}
	return m.all()
}

// checkChunks refuses a file that is cut off, or that counts time in frames of film: the parser
// takes the one for a shorter song, and fails at the other.
func checkChunks(text []byte) error {
	if len(text) < 14 {
		return fmt.Errorf("the MIDI file is damaged: it is %s long; want a head of 14", counted.Of(len(text), "byte"))
	}
	if text[12]&0x80 != 0 {
		return fmt.Errorf("it counts time in frames of film; want ticks a quarter note: save it again as format 0 or 1 with a tempo map")
	}
	tracks, want := 0, int(binary.BigEndian.Uint16(text[10:]))
	for rest := text[min(len(text), 8+int(binary.BigEndian.Uint32(text[4:]))):]; len(rest) >= 8; {
		n := int(binary.BigEndian.Uint32(rest[4:]))
		if n > len(rest)-8 {
			return fmt.Errorf("the MIDI file is cut off: a chunk is to have %s, of which %d are there", counted.Of(n, "byte"), len(rest)-8)
		}
		if string(rest[:4]) == "MTrk" {
			tracks++
		}
		rest = rest[8+n:]
	}
	if tracks < want {
		return fmt.Errorf("the MIDI file is cut off: it is to have %s, of which %d are there", counted.Of(want, "track"), tracks)
	}
	return nil
}

// readSMF parses the file; whatever the parser does with damaged ones is an error.
func readSMF(text []byte) (song *smf.SMF, err error) {
	if err := checkChunks(text); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			song, err = nil, fmt.Errorf("the MIDI file is damaged: %v", r)
		}
	}()
	song, err = smf.ReadFrom(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the MIDI file is damaged: %w", err)
	}
	return song, nil
}

// read reads a track.
func (m *midiFile) read(track smf.Track, ticks float64) error {
	i := len(m.names)
	m.names, m.channels = append(m.names, ""), append(m.channels, map[uint8]int{})
	first := len(m.notes)
	sounding := map[[2]uint8][]int{} // notes that have not ended
	at, tick := 0.0, uint64(0)
	for _, e := range track {
		tick += uint64(e.Delta)
		at = float64(tick) / ticks
		var channel, key, velocity uint8
		var perMinute float64
		var name string
		switch {
		case e.Message.GetMetaTempo(&perMinute):
			if err := checkTempo(perMinute); err != nil {
				return fmt.Errorf("quarter note %g: %w", at, err)
			}
			m.tempi = append(m.tempi, tempo{at, 60 / perMinute})
		case e.Message.GetMetaTrackName(&name):
			if m.names[i] == "" {
				m.names[i] = name
			}
		case e.Message.GetNoteStart(&channel, &key, &velocity):
			m.channels[i][channel]++
			sounding[[2]uint8{channel, key}] = append(sounding[[2]uint8{channel, key}], len(m.notes))
			m.notes = append(m.notes, midiNote{i, channel, key, velocity, at, -1})
		case e.Message.GetNoteEnd(&channel, &key):
			if open := sounding[[2]uint8{channel, key}]; len(open) > 0 { // the first that began
				m.notes[open[0]].end = at
				sounding[[2]uint8{channel, key}] = open[1:]
			}
		}
	}
	if err := checkNumber(len(m.notes)); err != nil {
		return err
	}
	for j := first; j < len(m.notes); j++ {
		if n := &m.notes[j]; n.end < 0 {
			return fmt.Errorf("the note with key %d at quarter note %g never ends; want a note-off for it", n.key, n.start)
		}
	}
	return nil
}

// all returns the notes with their sources. One without a duration, as a drum's may be, gets a
// 32nd.
func (m *midiFile) all() (audiosep.Notes, error) {
	times := newTempi(m.tempi)
	var out audiosep.Notes
	for _, n := range m.notes {
		if n.end <= n.start {
			n.end = n.start + 0.125
		}
		onset, offset := times.at(n.start), times.at(n.end)
		if err := checkSpan(onset, offset); err != nil {
			return nil, fmt.Errorf("track %d: the note with key %d at quarter note %g: %w", n.track+1, n.key, n.start, err)
		}
		out = append(out, audiosep.Note{Onset: onset, Offset: offset, Pitch: float64(n.key), Source: m.source(n), Velocity: float64(n.velocity) / 127})
	}
	return out, nil
}

// source returns whose a note is: its track's, with the channel where the track has several.
func (m *midiFile) source(n midiNote) string {
	name := m.names[n.track]
	if name == "" {
		name = fmt.Sprintf("track %d", n.track+1)
	}
	drums := n.channel == drumChannel
	switch several := len(m.channels[n.track]) > 1; {
	case drums && (several || m.names[n.track] == ""):
		return "drums"
	case drums && !percussion.Named(name):
		return name + " drums"
	case several:
		return fmt.Sprintf("%s channel %d", name, n.channel+1)
	}
	return name
}
