package browser

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// export saves what the page has into a folder, with stems of a format.
func (b *tab) export(name, format string) {
	b.Helper()
	b.click("#save")
	b.set("#save-name", name)
	b.set("#save-format", format)
	b.click("#save-form button[value=export]")
	b.wait("document.querySelectorAll('#saved li').length > 0 && !audiosepPage.busy")
	b.click("#save-form button[value='']")
}

// dropOn drags a component's number onto a source, by the events that a browser sends.
func (b *tab) dropOn(component, source int) {
	b.Helper()
	value[bool](b, fmt.Sprintf(`(() => {
		const data = new DataTransfer(), number = document.querySelector("#strips .strip:nth-child(%d) .number"), onto = document.querySelector("#sources li:nth-child(%d)");
		const tell = (e, type) => e.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: data}));
		tell(number, "dragstart");
		const allowed = !tell(onto, "dragover");
		if (allowed) tell(onto, "drop");
		return allowed })()`, component, source))
}

// midi is a file of two notes, 1 s each, at 120 to the minute: Ab4, then C5.
func midi() []byte {
	track := []byte{
		0, 0x90, 68, 100, 0x87, 0x40, 0x80, 68, 0, // 960 ticks are 1 s
		0, 0x90, 72, 100, 0x87, 0x40, 0x80, 72, 0,
		0, 0xff, 0x2f, 0,
	}
	file := append([]byte("MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0MTrk"), binary.BigEndian.AppendUint32(nil, uint32(len(track)))...)
	return append(file, track...)
}

const musicXML = `<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes><sound tempo="60"/>
<note><pitch><step>A</step><alter>-1</alter><octave>4</octave></pitch><duration>1</duration></note>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>1</duration></note></measure></part></score-partwise>`

// TestWays goes the ways beside the usual one: strips are dragged, which the meters follow; stems of two
// runs are heard; a region is marked as one source alone; scores of MIDI and of MusicXML are read and
// stretched. What each is saved as makes the page's stems to the byte, in WAV and in FLAC.
func TestWays(t *testing.T) {
	out, stems := t.TempDir(), references(t)
	other := filepath.Join(t.TempDir(), "other")
	if err := os.CopyFS(other, os.DirFS(stems)); err != nil {
		t.Fatal(err)
	}
	b := browse(t, serve(t, "listen", piano, "--out", out, "--references", stems, "--run", stems, "--run", other))
	if got := value[[]int](b, "audiosepPage.recording.runs.map((r) => r.stems.length)"); fmt.Sprint(got) != "[4 4]" {
		t.Fatalf("the runs have %v stems; want 4 and 4", got)
	}
	b.hears(filepath.Join(stems, "Ab4.wav"), "run:0:0")
	b.hears(filepath.Join(other, "C5.wav"), "run:1:1")

	b.set("#iterations", "20")
	b.solve(4)
	b.add("one", "two")
	const meter = "document.querySelector('#sources li:nth-child(1) .meter').textContent"
	b.dropOn(2, 1)
	b.wait("audiosepPage.plan.groups.join('/') === '2/' && " + meter)
	first := value[string](b, meter)
	b.dropOn(3, 1)
	b.wait(fmt.Sprintf("audiosepPage.plan.groups.join('/') === '2,3/' && %s && %s !== %q", meter, meter, first))
	b.export("grouped", "flac")

	b.click("#sources li:nth-child(1) .pick")
	b.region(2.5, 4, 30, 11025, "#mark-alone")
	b.wait("audiosepPage.solution.method === 'paint' && !audiosepPage.busy")
	if got := value[string](b, "JSON.stringify(audiosepPage.plan.paint)"); got != `[{"source":"one","from":2.5,"to":4,"belongs":true}]` {
		t.Errorf("alone is painted as %s", got)
	}
	b.export("alone", "wav")

	b.click("input[name=method][value=score]")
	for name, text := range map[string][]byte{"notes.mid": midi(), "notes.musicxml": []byte(musicXML)} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		b.run(chromedp.SetUploadFiles(chromedp.CSS("#score-file"), []string{file}))
		b.wait(fmt.Sprintf("document.getElementById('score-note').textContent.startsWith(%q)", name+": 2 notes"))
		if got := value[string](b, "audiosepPage.plan.notes.map((n) => [n.pitch, n.onset, n.offset]).join(' ')"); got != "68,0,1 72,1,2" {
			t.Errorf("%s has the notes %s", name, got)
		}
		b.set("#stretch", "2.25")
		b.wait("audiosepPage.plan.stretch === 2.25")
		before := value[int](b, "audiosepPage.plan.solution")
		b.click("#solve-now")
		b.wait(fmt.Sprintf("audiosepPage.plan.solution === %d && audiosepPage.solution.method === 'score' && !audiosepPage.busy", before+1))
		b.export(name, "flac")
	}
	b.whole()
	for _, name := range []string{"grouped", "alone", "notes.mid", "notes.musicxml"} {
		same(t, filepath.Join(out, name))
	}
}
