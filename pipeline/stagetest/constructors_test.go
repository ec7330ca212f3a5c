package stagetest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/nets"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/stages"
	"github.com/audiosep/audiosep/transforms"
)

// made returns what a program does: it takes the defaults, sets what raw says and builds.
func made[P, S any](defaults P, build func(P) (S, error)) func(raw string) (params []byte, err error) {
	return func(raw string) ([]byte, error) {
		own, err := json.Marshal(defaults) // so that no list is shared
		if err != nil {
			return nil, err
		}
		var p P
		for _, text := range [][]byte{own, []byte(raw)} {
			if err := json.Unmarshal(text, &p); err != nil {
				return nil, err
			}
		}
		params, err := json.Marshal(p)
		if err == nil {
			_, err = build(p)
		}
		return params, err
	}
}

func nmf(beta float64) func(factorizers.NMFParams) (audiosep.Factorizer, error) {
	return func(p factorizers.NMFParams) (audiosep.Factorizer, error) { return factorizers.NewNMF(beta, p) }
}

func betaNMF(p factorizers.BetaNMFParams) (audiosep.Factorizer, error) {
	return factorizers.NewNMF(p.Beta, p.NMFParams)
}

// A constructor refuses what a spec is refused for, in the same words, and the exported
// defaults are those of the stage.
func TestConstructorsAgreeWithStages(t *testing.T) {
	all := stages.All()
	for name, c := range map[string]struct {
		make func(raw string) ([]byte, error)
		bad  string // what only Validate sees; empty: nothing
	}{
		"read_audio":            {made(audio.ReadAudioParams{}, audio.NewReadAudio), `{"files": ["a", "b"], "names": ["a"]}`},
		"synth_notes":           {made(audio.PaperNotes(), audio.NewSynthNotes), `{"pattern": [[0]], "part": "9"}`},
		"crop":                  {made(audio.CropParams{}, audio.NewCrop), `{"start": -1}`},
		"resample":              {made(audio.ResampleParams{Rate: 44100}, audio.NewResample), ""},
		"high_pass":             {made(audio.PassParams{Frequency: 100}, audio.NewHighPass), ""},
		"low_pass":              {made(audio.PassParams{Frequency: 4000}, audio.NewLowPass), ""},
		"stem":                  {made(audio.StemParams{Source: "1"}, audio.NewStem), ""},
		"write_audio":           {made(audio.DefaultWriteAudio(), audio.NewWriteAudio), `{"pattern": ""}`},
		"load_model":            {made(models.LoadParams{}, models.NewLoader), `{"file": ""}`},
		"save_model":            {made(models.SaveParams{}, models.NewSaver), `{"file": ""}`},
		"read_notes":            {made(notes.ReadNotesParams{}, notes.NewReadNotes), `{"file": ""}`},
		"read_labels":           {made(notes.ReadLabelsParams{}, notes.NewReadLabels), `{"file": ""}`},
		"write_notes":           {made(notes.DefaultWriteNotes(), notes.NewWriteNotes), `{"file": "a.pdf"}`},
		"align_notes":           {made(notes.DefaultAlignNotes(), notes.NewAlignNotes), ""},
		"transcribe":            {made(nets.DefaultTranscribe(), nets.NewTranscribe), ""},
		"denoise":               {made(nets.DefaultDenoise(), nets.NewDenoise), ""},
		"find_speech":           {made(nets.DefaultFindSpeech(), nets.NewFindSpeech), ""},
		"mix_room":              {made(multichannel.DefaultMixRoom(), multichannel.NewMixRoom), ""},
		"iva":                   {made(multichannel.DefaultIVA(), multichannel.NewIVA), ""},
		"fdica":                 {made(multichannel.DefaultFDICA(), multichannel.NewFDICA), ""},
		"ilrma":                 {made(multichannel.DefaultILRMA(), multichannel.NewILRMA), ""},
		"fast_mnmf":             {made(multichannel.DefaultFastMNMF(), multichannel.NewFastMNMF), ""},
		"duet":                  {made(multichannel.DefaultDUET(), multichannel.NewDUET), ""},
		"mwf_em":                {made(multichannel.DefaultMWFEM(), multichannel.NewMWFEM), ""},
		"is_nmf":                {made(factorizers.DefaultISNMF(), nmf(0)), `{"restarts": 2, "start": "nndsvd"}`},
		"kl_nmf":                {made(factorizers.DefaultKLNMF(), nmf(1)), `{"fix": "w", "use": "h"}`},
		"euclidean_nmf":         {made(factorizers.DefaultEuclideanNMF(), nmf(2)), `{"fix": "h", "use": "w"}`},
		"beta_nmf":              {made(factorizers.DefaultBetaNMF(), betaNMF), `{"restarts": 2, "start": "nndsvd"}`},
		"activations":           {made(factorizers.DefaultActivations(), factorizers.NewActivations), ""},
		"semi_nmf":              {made(factorizers.DefaultSemiNMF(), factorizers.NewSemiNMF), ""},
		"online_nmf":            {made(factorizers.DefaultOnlineNMF(), factorizers.NewOnlineNMF), ""},
		"nmfd":                  {made(factorizers.DefaultNMFD(), factorizers.NewNMFD), ""},
		"nmf2d":                 {made(factorizers.DefaultNMF2D(), factorizers.NewNMF2D), ""},
		"score_factors":         {made(factorizers.DefaultScoreFactors(), factorizers.NewScoreFactors), ""},
		"painted_nmf":           {made(factorizers.DefaultPaintedNMF(), factorizers.NewPaintedNMF), `{"sources": ["a", "a"]}`},
		"ilrta":                 {made(factorizers.DefaultILRTA(), factorizers.NewILRTA), ""},
		"join_factors":          {made(factorizers.JoinFactorsParams{}, factorizers.NewJoinFactors), ""},
		"tl_nmf":                {made(factorizers.DefaultTLNMF(), factorizers.NewTLNMF), `{"start": "file"}`},
		"frame":                 {made(transforms.DefaultFrame(), transforms.NewFrame), `{"overlap": 1}`},
		"dct":                   {made(transforms.DefaultDCT(), transforms.NewDCT), ""},
		"stft":                  {made(transforms.DefaultSTFT(), transforms.NewSTFT), ""},
		"matrix":                {made(transforms.DefaultMatrix(), transforms.NewMatrix), `{"file": ""}`},
		"joint_diagonalization": {made(transforms.DefaultJointDiagonalization(), transforms.NewJointDiagonalization), ""},
		"hpss":                  {made(separators.DefaultHPSS(), separators.NewHPSS), `{"frames": 2}`},
		"repet":                 {made(separators.DefaultREPET(), separators.NewREPET), ""},
		"repet_sim":             {made(separators.DefaultREPETSim(), separators.NewREPETSim), ""},
		"ft2d":                  {made(separators.DefaultFT2D(), separators.NewFT2D), `{"rates": 2}`},
		"rpca":                  {made(separators.DefaultRPCA(), separators.NewRPCA), ""},
		"kam":                   {made(separators.DefaultKAM(), separators.NewKAM), ""},
		"ensemble":              {made(separators.DefaultEnsemble(), separators.NewEnsemble), ""},
		"wiener":                {made(separators.DefaultWiener(), separators.NewWiener), `{"names": ["a", "a"]}`},
		"soft_mask":             {made(separators.DefaultSoftMask(), separators.NewSoftMask), `{"groups": [[-1]]}`},
		"binary_mask":           {made(separators.DefaultBinaryMask(), separators.NewBinaryMask), `{"groups": [[1]], "sources": 2}`},
	} {
		i := slices.IndexFunc(all, func(d audiosep.Definition) bool { return d.Name == name })
		def := all[i]
		all = slices.Delete(all, i, i+1)
		var bad []string
		if c.bad != "" {
			bad = append(bad, c.bad)
		}
		defaults := map[string]json.RawMessage{}
		params, _ := c.make(`{}`)
		if err := json.Unmarshal(params, &defaults); err != nil {
			t.Fatal(err)
		}
		for _, p := range def.Params {
			if got := string(defaults[p.Name]); got != string(p.Default) && !(got == "null" && string(p.Default) == "[]") {
				t.Errorf("%s: the default of %s is %s; want the stage's, %s", name, p.Name, got, p.Default)
			}
			bad = append(bad, outOfRange(p)...)
		}
		for _, raw := range bad {
			_, want := def.Build(json.RawMessage(raw))
			if _, err := c.make(raw); err == nil || fmt.Sprint(err) != fmt.Sprint(want) {
				t.Errorf("%s, %s: got %v; want %v", name, raw, err, want)
			}
		}
	}
	for _, def := range all {
		if len(def.Params) > 0 {
			t.Errorf("%s has parameters and is not in the table above", def.Name)
		}
	}
}

// outOfRange returns objects in which p alone is what its range does not allow.
func outOfRange(p audiosep.Param) (raw []string) {
	typ, lists := p.Elem()
	if lists > 0 && typ == "string" {
		return nil // its range is that of its length
	}
	add := func(x any) {
		for range lists {
			x = []any{x}
		}
		text, _ := json.Marshal(map[string]any{p.Name: x})
		raw = append(raw, string(text))
	}
	if p.Min != nil {
		add(*p.Min - 1)
	}
	if p.Max != nil {
		add(2**p.Max + 1)
	}
	if p.OneOf != nil {
		add("other")
	}
	return raw
}
