package notes_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/gomidi/midi/v2"
	"gitlab.com/gomidi/midi/v2/smf"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/notes"
)

// short writes notes as tests want them.
func short(n audiosep.Notes) string {
	var all []string
	for _, x := range n {
		all = append(all, fmt.Sprintf("%s %.4g-%.4g %g %.2f", x.Source, x.Onset, x.Offset, x.Pitch, x.Velocity))
	}
	return strings.Join(all, "\n")
}

func TestCSV(t *testing.T) {
	got, err := notes.Parse([]byte("\ufeffStem, onset_s,offset_s,midi,velocity,remark\nflute,1,2.5,60.5,127,x\n\"a, b\",0.5,1,,0,y\n"))
	if want := "a, b 0.5-1 NaN 0.00\nflute 1-2.5 60.5 1.00"; err != nil || short(got) != want {
		t.Errorf("it is %s, %v; want %s", short(got), err, want)
	}
	got, err = notes.Parse([]byte("part,from,to,pitch,velocity\nx,0,1,60,0.5\n"))
	if want := "x 0-1 60 0.50"; err != nil || short(got) != want {
		t.Errorf("it is %s, %v; want %s", short(got), err, want)
	}
}

// song makes a MIDI file of tracks.
func song(tracks ...smf.Track) []byte {
	s := smf.New()
	s.TimeFormat = smf.MetricTicks(480)
	for _, t := range tracks {
		t.Close(0)
		s.Add(t)
	}
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TestMIDI: 60 beats a minute, from the third quarter on 120; a track of two channels, one of drums.
func TestMIDI(t *testing.T) {
	var head, flute, band smf.Track
	head.Add(0, smf.MetaTempo(60))
	head.Add(2*480, smf.MetaTempo(120))
	flute.Add(0, smf.MetaTrackSequenceName("flute"))
	flute.Add(480, midi.NoteOn(0, 69, 127))
	flute.Add(2*480, midi.NoteOff(0, 69)) // from quarter 1 to 3: 1 s to 2 + 0.5 s
	flute.Add(0, midi.NoteOn(0, 69, 64))
	flute.Add(480, midi.NoteOn(0, 69, 0))
	band.Add(0, smf.MetaTrackSequenceName("band"))
	band.Add(0, midi.NoteOn(1, 40, 127))
	band.Add(0, midi.NoteOn(9, 36, 127))
	band.Add(0, midi.NoteOff(9, 36))
	band.Add(480, midi.NoteOff(1, 40))
	got, err := notes.Parse(song(head, flute, band))
	want := "band channel 2 0-1 40 1.00\ndrums 0-0.125 36 1.00\nflute 1-2.5 69 1.00\nflute 2.5-3 69 0.50"
	if err != nil || short(got) != want {
		t.Errorf("it is\n%s\n%v; want\n%s", short(got), err, want)
	}
}

// xmlSong is a part for a clarinet in B flat (sounding a tone lower) with a tie over the bar
// line, a chord, two voices, and a change of tempo, and one of drums.
const xmlSong = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0"><part-list>
<score-part id="P1"><part-name>Clarinet
 in B</part-name></score-part>
<score-part id="P2"><part-name>Kit</part-name><score-instrument id="P2-1"/><midi-instrument id="P2-1"><midi-unpitched>37</midi-unpitched></midi-instrument></score-part>
</part-list><part id="P1"><measure number="1">
<attributes><divisions>2</divisions><transpose><chromatic>-2</chromatic></transpose></attributes>
<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>40</per-minute></metronome></direction-type></direction>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>2</duration><voice>1</voice></note>
<note><chord/><pitch><step>E</step><alter>-1</alter><octave>4</octave></pitch><duration>2</duration><voice>1</voice></note>
<note><grace/><pitch><step>A</step><octave>4</octave></pitch></note>
<note><pitch><step>D</step><octave>4</octave></pitch><duration>2</duration><tie type="start"/></note>
<backup><duration>4</duration></backup>
<note dynamics="50"><pitch><step>C</step><octave>3</octave></pitch><duration>4</duration><voice>2</voice></note>
</measure><measure number="2"><sound tempo="120"/>
<note><pitch><step>D</step><octave>4</octave></pitch><duration>2</duration><tie type="stop"/></note>
<note><rest/><duration>2</duration></note>
</measure></part>
<part id="P2"><measure number="1"><attributes><divisions>1</divisions></attributes>
<forward><duration>1</duration></forward>
<note><unpitched><display-step>F</display-step></unpitched><duration>1</duration><instrument id="P2-1"/></note>
</measure></part></score-partwise>`

func TestMusicXML(t *testing.T) {
	got, err := notes.Parse([]byte(xmlSong))
	want := `Clarinet in B 0-1 58 0.71
Clarinet in B 0-1 61 0.71
Clarinet in B 0-2 46 0.35
Clarinet in B 1-2.5 60 0.71
Kit 1-2 36 0.71`
	if err != nil || short(got) != want {
		t.Errorf("it is\n%s\n%v; want\n%s", short(got), err, want)
	}
}

func TestLabels(t *testing.T) {
	want := "noise 0-2 NaN 1.00\nthe voice 1.5-3.25 NaN 1.00"
	for _, text := range []string{
		"1.500000\t3.250000\tthe voice\r\n\\\t100.0\t2000.0\r\n0\t2\tnoise\r\n",
		"source,from,to\nthe voice,1.5,3.25\nnoise,0,2\n",
		"1,5\t3,25\tthe voice\n0\t2\tnoise",
		"source;from;to\nthe voice;1,5;3,25\nnoise;0;2\n",
		"source,from,to\nthe voice,\"1,5\",\"3,25\"\nnoise,0,2\n",
	} {
		if got, err := notes.ParseLabels([]byte(text)); err != nil || short(got) != want {
			t.Errorf("%q is %s, %v", text, short(got), err)
		}
	}
}

// What is refused is told with its place and what is wanted.
func TestRefused(t *testing.T) {
	var never smf.Track
	never.Add(0, midi.NoteOn(0, 60, 1))
	in := func(old, new string) []byte { return []byte(strings.Replace(xmlSong, old, new, 1)) }
	for _, c := range []struct {
		text []byte
		want string
	}{
		{nil, "it is empty; want a first line"},
		{[]byte("a,b\n"), `line 1 is "a,b" and has no column for the source; want one called stem or source or part`},
		{[]byte("stem,onset,offset,midi\n"), "there are no notes"},
		{[]byte("stem,onset,offset,midi\nx,0,1,60\nx,2,1,60\n"), "line 3: it sounds from 2 to 1 s; want"},
		{[]byte("stem,onset,offset,midi\nx,0,one,60\n"), `line 2: the offset is "one"; want a number`},
		{[]byte("stem,onset,offset,midi\nx,-1,1,60\n"), "line 2: it begins at -1 s; want 0 or later"},
		{[]byte("stem,onset,offset,midi,velocity\nx,0,1,60,128\n"), "line 2: the velocity is 128; want"},
		{[]byte("stem,onset,offset,midi\nx,0,1\n"), "line 2"},
		{[]byte("stem,onset,offset,midi\nx,0,NaN,60\n"), `line 2: the offset is "NaN"; want a number`},
		{[]byte("stem,onset,offset,midi\nx,0,1e300,60\n"), "line 2: it sounds from 0 to 1e+300 s; want"},
		{[]byte("stem,onset,offset,midi\nFl\xf6te,0,1,60\n"), "it is no text in UTF-8"},
		{[]byte("stem,onset,offset,midi\nx,0,1,128\n"), "line 2: the pitch is 128; want a MIDI number, 0 to 127"},
		{[]byte("stem,onset,offset,midi\nx,0,1,H4\n"), "line 2: the pitch is \"H4\"; want a MIDI number, 0 to 127 (60 is middle C), a name such as C4"},
		{[]byte("stem,onset,offset,midi\nx,0,1,A9\n"), "line 2: the pitch is 129; want a MIDI number"},
		{[]byte("stem,onset,offset,midi\nx,0,1,-1e300\n"), "line 2: the pitch is -1e+300; want a MIDI number"},
		{many("stem,onset,offset,midi\n", "x,0,1,60\n", 1_000_001), "line 1000002: there are more than 1000000 notes"},
		{[]byte("PK\x03\x04..."), "compressed"},
		{[]byte("MThd\x00\x00\x00\x06\x00\x01"), "the MIDI file is damaged"},
		{song(never)[:26], "the MIDI file is cut off: a chunk is to have"},
		{song(never), "track 1: the note with key 60 at quarter note 0 never ends"},
		{[]byte("<svg/>"), "it is a svg; want MusicXML's score-partwise"},
		{[]byte(xmlSong[:len(xmlSong)-20]), "line "},
		{in(`<sound tempo="120"/>`, `<barline><repeat direction="backward"/></barline>`), `part "Clarinet in B", measure 2 (number 2 in the file): it has a repeat`},
		{in(`tempo="120"`, `dacapo="yes"`), "measure 2 (number 2 in the file): it has a jump"},
		{in(`tempo="120"`, `tempo="0"`), "the tempo is 0 quarter notes a minute"},
		{in(`<backup><duration>4`, `<backup><duration>9`), "measure 1 (number 1 in the file): a backup goes 2.5 quarter notes before the measure begins"},
		{in(`<step>A`, `<step>H`), ""}, // a grace note
		{in(`<step>C`, `<step>H`), `a note's step is "H"; want A to G`},
		{in(`<octave>4</octave></pitch><duration>2`, `<octave>12</octave></pitch><duration>2`), "the pitch is 154; want a MIDI number"},
		{in(`<duration>2</duration><voice>1`, `<duration>1e300</duration><voice>1`), "a duration is 1e+300; want 0 or more"},
		{in(`<duration>2</duration><voice>1`, `<duration>NaN</duration><voice>1`), "a duration is NaN; want 0 or more"},
		{in(`<divisions>2`, `<divisions>-2`), "divisions is -2; want a number above 0"},
		{in(`UTF-8"?>`, `UTF-8"?><!DOCTYPE b [<!ENTITY a "aaaaaaaa"><!ENTITY c "&a;&a;&a;&a;">]>`), ""}, // entities are not looked at,
		{in(`Clarinet`, `&c;`), "invalid character entity &c;"},                                         // so none grows
		{[]byte("\xff\xfe<\x00?\x00x\x00m\x00l\x00"), "it is no text in UTF-8, nor MIDI"},
		{in(`<attributes>`, strings.Repeat("<a>", 200_000)+strings.Repeat("</a>", 200_000)+`<attributes>`), ""},
		{in(`<part-name>`, strings.Repeat("<part-name>", 20_000)), "line "},
		{in(`<measure number="2">`, `<measure number="2"><barline><repeat direction="backward" times="1000000"/></barline>`), "it has a repeat"},
		{in(`UTF-8`, `latin1`), "encoded as latin1; want UTF-8"},
	} {
		if testing.Short() && len(c.text) > 1<<20 {
			continue
		}
		_, err := notes.Parse(c.text)
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v; want %s", err, c.want)
		}
	}
	for text, want := range map[string]string{
		"0\t1\n":               "line 1 is",
		"0\t1\ta\n2\t1\tb\n":   "line 2: it sounds from 2 to 1 s",
		"0\t0\ta\n":            "line 1: it sounds from 0 to 0 s; want it to end after it begins",
		"source,from\na,1\n":   "no column for the offset",
		"source,from,to\n,1,2": "line 2: the source is empty",
	} {
		if _, err := notes.ParseLabels([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v; want %s", text, err, want)
		}
	}
}

func many(head, line string, n int) []byte { return append([]byte(head), strings.Repeat(line, n)...) }

// Damaged MIDI files, and a tempo of 0, which is an endless quarter note, are errors.
func TestHostileMIDI(t *testing.T) {
	file := func(head string, tracks ...string) []byte {
		text := "MThd\x00\x00\x00\x06" + head
		for _, track := range tracks {
			n := len(track)
			text += "MTrk" + string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + track
		}
		return []byte(text)
	}
	const end, note = "\x00\xff\x2f\x00", "\x00\x90\x3c\x40\x60\x80\x3c\x00"
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"tempo 0":                   {file("\x00\x00\x00\x01\x00\x60", "\x00\xff\x51\x03\x00\x00\x00"+note+end), "the tempo is"},
		"no ticks":                  {file("\x00\x00\x00\x01\x00\x00", note+end), ""},
		"frames of film":            {file("\x00\x00\x00\x01\xe7\x28", note+end), "it counts time in frames of film"},
		"format 2":                  {file("\x00\x02\x00\x01\x00\x60", note+end), "format 2"},
		"no notes":                  {file("\x00\x00\x00\x01\x00\x60", end), "there are no notes"},
		"65535 tracks that are not": {file("\x00\x01\xff\xff\x00\x60", note+end), "cut off: it is to have 65535 tracks, of which 1 are there"},
		"longer than it is":         {append(file("\x00\x00\x00\x01\x00\x60")[:14], "MTrk\xff\xff\xff\xff\x00\x90"...), "cut off: a chunk is to have 4294967295 bytes, of which 2 are there"},
		"ends at once":              {[]byte("MThd"), "damaged"},
	} {
		n, err := notes.Parse(c.text)
		if c.want == "" {
			if err == nil && n.Validate() != nil {
				t.Errorf("%s: it gives %v", name, n)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v; want %s", name, err, c.want)
		}
	}
}

// Parts and tracks of one name are told apart, whatever the others are called.
func TestPartsOfOneName(t *testing.T) {
	track := func(name string) smf.Track {
		var tr smf.Track
		tr.Add(0, smf.MetaTrackSequenceName(name))
		tr.Add(0, midi.NoteOn(0, 60, 127))
		tr.Add(480, midi.NoteOff(0, 60))
		return tr
	}
	got, err := notes.Parse(song(track("violin"), track("violin"), track(" violin 2"), track("violin")))
	if want := "violin 0-0.5 60 1.00\nviolin 2 0-0.5 60 1.00\nviolin 2 2 0-0.5 60 1.00\nviolin 3 0-0.5 60 1.00"; err != nil || short(got) != want {
		t.Errorf("it is\n%s\n%v; want\n%s", short(got), err, want)
	}
	got, err = notes.Parse([]byte(strings.Replace(xmlSong, "Kit", "Clarinet in B", 1)))
	if err != nil || got[len(got)-1].Source != "Clarinet in B 2" && got[0].Source != "Clarinet in B 2" && !strings.Contains(short(got), "Clarinet in B 2 1-2 36") {
		t.Errorf("it is %s, %v", short(got), err)
	}
}

// Whatever is read fits the contract of notes, and nothing panics.
func FuzzParse(f *testing.F) {
	f.Add([]byte(xmlSong))
	f.Add([]byte("stem,onset_s,offset_s,midi,velocity\nx,0,1,60,127\n"))
	var track smf.Track
	track.Add(0, midi.NoteOn(0, 60, 1))
	track.Add(96, midi.NoteOff(0, 60))
	f.Add(song(track))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := notes.Parse(text)
		if err == nil && (len(n) == 0 || n.Validate() != nil || n[0].Onset < 0) {
			t.Errorf("it gives %v", n)
		}
	})
}

func FuzzParseLabels(f *testing.F) {
	f.Add([]byte("0\t1\ta\n\\\t1\t2\n"))
	f.Add([]byte("source,from,to\na,1,2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := notes.ParseLabels(text)
		if err == nil && (len(n) == 0 || n.Validate() != nil || !math.IsNaN(n[0].Pitch)) {
			t.Errorf("it gives %v", n)
		}
	})
}

// The public items' tables are read whole: as many notes as lines.
func TestItems(t *testing.T) {
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set: no scores")
	}
	files, _ := filepath.Glob(filepath.Join(data, "audio", "*", "notes.csv"))
	if len(files) == 0 {
		t.Skip("there are no scores in AUDIOSEP_DATA")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := notes.ReadFile(file)
		if want := bytes.Count(bytes.TrimSpace(text), []byte("\n")); err != nil || len(n) != want {
			t.Errorf("%s: %d notes, %v; want %d", file, len(n), err, want)
		}
	}
}
