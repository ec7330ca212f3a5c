package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// description says what a model takes and makes: a JSON file beside it.
type description struct {
	// Model is the ONNX file, relative to this one. Models has one for each stem instead.
	Model  string            `json:"model"`
	Models map[string]string `json:"models"`
	// Kind is waveform: samples [1][channel][sample] to [1][stem][channel][sample]; or
	// magnitude: |STFT| [1][channel][bin][frame] to the magnitudes of the stems,
	// [1][stem][channel][bin][frame], from which masks are made. Of Models each makes one stem
	// and has no such dimension.
	Kind     string   `json:"kind"`
	Rate     int      `json:"rate"`     // Hz
	Channels int      `json:"channels"` // 1: each channel of a recording by itself
	Chunk    int      `json:"chunk"`    // samples that the model is given at a time
	Overlap  int      `json:"overlap"`  // samples that chunks share, where they are cross-faded
	Stems    []string `json:"stems"`    // in the model's order
	Input    string   `json:"input"`    // of the model; its first if empty
	Output   string   `json:"output"`
	FFT      int      `json:"fft"`      // magnitude: samples of a frame, windowed by Hann's
	Hop      int      `json:"hop"`      // magnitude: samples from a frame to the next
	Exponent float64  `json:"exponent"` // magnitude: of the magnitudes in the masks; 2 if not said

	folder string
}

// describe reads a description. Whatever is wrong with it is an error that says what is wanted.
func describe(path string) (*description, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := &description{Exponent: 2, folder: filepath.Dir(path)}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, fault := range []struct {
		is   bool
		what string
	}{
		{(d.Model == "") == (len(d.Models) == 0), "it names a model and models, or neither; want one of them"},
		{d.Kind != "waveform" && d.Kind != "magnitude", fmt.Sprintf("kind is %q; want waveform or magnitude", d.Kind)},
		{d.Rate < 1, fmt.Sprintf("rate is %d Hz; want at least 1", d.Rate)},
		{d.Channels < 1, fmt.Sprintf("channels is %d; want at least 1", d.Channels)},
		{d.Chunk < 1, fmt.Sprintf("chunk is %d samples; want at least 1", d.Chunk)},
		{d.Overlap < 0 || 2*d.Overlap > d.Chunk, fmt.Sprintf("overlap is %d samples; want 0 to half of chunk, %d", d.Overlap, d.Chunk)},
		{len(d.Stems) == 0, "stems is empty; want the names of the stems"},
		{d.Kind == "magnitude" && (d.FFT < 2 || d.FFT%2 > 0 || d.Hop < 1 || d.Hop > d.FFT/2), fmt.Sprintf("fft is %d and hop %d; want an even number, and 1 to half of it", d.FFT, d.Hop)},
		{!(d.Exponent > 0), fmt.Sprintf("exponent is %g; want more than 0", d.Exponent)},
	} {
		if fault.is {
			return nil, fmt.Errorf("%s: %s", path, fault.what)
		}
	}
	seen := map[string]bool{}
	for _, stem := range d.Stems {
		if stem == "" || seen[stem] {
			return nil, fmt.Errorf("%s: the stem %q is there twice, or has no name; want names that differ", path, stem)
		}
		if _, ok := d.Models[stem]; len(d.Models) > 0 && !ok {
			return nil, fmt.Errorf("%s: models has none for %q; want one for each stem", path, stem)
		}
		seen[stem] = true
	}
	return d, nil
}

// files are the models, in the order of the stems where there is one for each.
func (d *description) files() []string {
	var files []string
	if d.Model != "" {
		files = []string{d.Model}
	}
	for _, stem := range d.Stems {
		if f, ok := d.Models[stem]; ok {
			files = append(files, f)
		}
	}
	for i, f := range files {
		if !filepath.IsAbs(f) {
			files[i] = filepath.Join(d.folder, f)
		}
	}
	return files
}
