package browser

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/chromedp/chromedp"
)

// The page of examples/browser separates a file by a preset, and its stems are those of the
// program; what is no sound is told of.
func TestSeparateInTheBrowser(t *testing.T) {
	if chromium == nil {
		t.Skip("there is no chromium")
	}
	dir := t.TempDir()
	build := exec.Command("go", "run", "./examples/browser", "--out", dir)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	b := &tab{TB: t}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithListener(b.hear))
	defer cancel()
	b.ctx = ctx
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	b.waitLong("document.getElementById('go').disabled === false")

	note := t.TempDir() + "/note.wav"
	if err := os.WriteFile(note, []byte("no sound"), 0o666); err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{note}))
	b.click("#go")
	b.wait("document.getElementById('message').textContent.includes('no sound file')")

	b.run(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{piano}))
	b.click("#go")
	b.waitLong("document.querySelectorAll('#stems a').length === 3")
	want := t.TempDir()
	if out, err := exec.Command(program, "run", "hpss", "--quiet", "--input", piano, "--set", "write_audio.encoding=float32", "--out", want).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"piano-harmonic.wav", "piano-percussive.wav", "piano-residual.wav"} {
		text := value[string](b, `(async () => {
			const link = [...document.querySelectorAll('#stems a')].find(a => a.download === '`+name+`')
			const bytes = new Uint8Array(await (await fetch(link.href)).arrayBuffer())
			let s = ''
			for (let i = 0; i < bytes.length; i += 0x8000) s += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
			return btoa(s)
		})()`)
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := audio.Decode(bytes.NewReader(file), int64(len(file)), name)
		if err != nil {
			t.Fatal(err)
		}
		like, _, err := audio.ReadFile(want + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if off := farthest(got, like); off > 1e-6 {
			t.Errorf("%s is off by %v from what the program makes; want 1e-6", name, off)
		}
	}
	if told := b.told(); len(told) > 0 {
		t.Errorf("the page says %q", told)
	}
}

// farthest returns the greatest difference of two signals; 1 where their shapes differ.
func farthest(a, b *audiosep.Signal) (most float64) {
	if len(a.Data) != len(b.Data) || len(a.Data[0]) != len(b.Data[0]) {
		return 1
	}
	for l, x := range a.Data {
		for i, v := range x {
			most = max(most, v-b.Data[l][i], b.Data[l][i]-v)
		}
	}
	return most
}
