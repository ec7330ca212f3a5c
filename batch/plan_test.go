package batch

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// tone writes a second of sound.
func tone(t *testing.T, path string, hz float64) {
	t.Helper()
	s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 8000)}}
	for i := range s.Data[0] {
		s.Data[0][i] = 0.3 * math.Sin(2*math.Pi*hz*float64(i)/8000)
	}
	os.MkdirAll(filepath.Dir(path), 0o777)
	if err := audio.WriteFile(path, s, "int16"); err != nil {
		t.Fatal(err)
	}
}

const spec = `{"audiosep": 1, "seed": 1, "stages": [
	{"use": "read_audio", "params": {"files": ["none.wav"]}},
	{"use": "frame", "params": {"length_ms": 40}},
	{"use": "dct"},
	{"use": "is_nmf", "params": {"rank": 2, "iterations": 10}},
	{"use": "wiener"},
	{"use": "write_audio"}]}`

func planOf(t *testing.T, spec string, inputs []string, settings []Setting, change func(*Plan)) *Plan {
	t.Helper()
	reg := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages)
	s, err := pipeline.Parse(filepath.Join(t.TempDir(), "spec.json"), []byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{Registry: reg, Version: "test", Inputs: inputs, Settings: settings}
	if p.Pipeline, err = pipeline.Check(s, reg); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(p)
	}
	return p
}

func plan(t *testing.T, spec string, inputs []string, settings []Setting, change func(*Plan)) ([]*Item, []Failure) {
	t.Helper()
	p := planOf(t, spec, inputs, settings, change)
	var b bytes.Buffer
	bad, err := p.Write(t.Context(), &b)
	if err != nil {
		t.Fatal(err)
	}
	items, err := ReadManifest("manifest", &b)
	if err != nil {
		t.Fatal(err)
	}
	return items, bad
}

// An id says what decides the result, and nothing else: the content of the recording, each
// parameter, the seed and the version, but not names and places.
func TestIDs(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a.wav"), filepath.Join(dir, "b", "a.wav"), filepath.Join(dir, "c.wav")
	tone(t, a, 440)
	tone(t, b, 440)
	tone(t, c, 441)
	id := func(spec, input string, change func(*Plan)) string {
		items, _ := plan(t, spec, []string{input}, nil, change)
		return items[0].ID
	}
	want := id(spec, a, nil)
	for name, got := range map[string]string{
		"again":            id(spec, a, nil),
		"the same content": id(spec, b, nil),
		"another name":     id(strings.Replace(spec, `"seed": 1`, `"name": "mine", "seed": 1`, 1), a, nil),
		"a default":        id(strings.Replace(spec, `"rank": 2`, `"rank": 2, "restarts": 1`, 1), a, nil),
	} {
		if got != want {
			t.Errorf("%s makes another id", name)
		}
	}
	seen := map[string]bool{want: true}
	for name, got := range map[string]string{
		"content": id(spec, c, nil), "seed": id(strings.Replace(spec, `"seed": 1`, `"seed": 2`, 1), a, nil),
		"parameter": id(strings.Replace(spec, `"rank": 2`, `"rank": 3`, 1), a, nil), "version": id(spec, a, func(p *Plan) { p.Version = "next" }),
	} {
		if seen[got] {
			t.Errorf("another %s does not make another id", name)
		}
		seen[got] = true
	}
}

// What is left out is named, as far as a line holds it.
func TestLeftOut(t *testing.T) {
	if told := (LeftOut{"d", []string{"d/notes.txt", "d/words"}}).String(); !strings.HasSuffix(told, "2 files that no reader takes: d/notes.txt, d/words") {
		t.Errorf("%s; want both named", told)
	}
	if told := (LeftOut{"d", strings.Split(strings.Repeat("x", 13), "")}).String(); !strings.HasSuffix(told, "13 files that no reader takes: x, x, x, x, x, x, x, x, x, x and 3 more") {
		t.Errorf("%s; want ten named", told)
	}
}

// A pattern by which no recording has true stems is told before the work.
func TestNoReferences(t *testing.T) {
	dir := t.TempDir()
	tone(t, filepath.Join(dir, "mix.wav"), 440)
	p := planOf(t, spec, []string{filepath.Join(dir, "mix.wav")}, nil, func(p *Plan) { p.Reference = "{dir}/stemz" })
	var out bytes.Buffer
	if _, err := p.Write(t.Context(), &out); err == nil || !strings.Contains(err.Error(), "there is no folder "+filepath.Join(dir, "stemz")) || out.Len() > 0 {
		t.Errorf("%v, and %d bytes are written; want an error and none", err, out.Len())
	}
}

// A plan has an item for each recording and setting, each with a folder of its own, and leaves
// out what cannot be read.
func TestPlan(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/mix.wav", "b/mix.wav", "other.wav", ".hidden.wav"} {
		tone(t, filepath.Join(dir, name), 440)
	}
	os.WriteFile(filepath.Join(dir, "bad.wav"), []byte("no sound"), 0o600)
	os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("no sound"), 0o600)
	os.Mkdir(filepath.Join(dir, "a", "mix-stems"), 0o700)
	found, err := Inputs(t.Context(), []string{dir, filepath.Join(dir, "other.wav"), filepath.Join(dir, "*", "*.wav"), filepath.Join(dir, ".hidden.wav"), filepath.Join(dir, "bad.wav")}, nil)
	if err != nil || len(found.Inputs) != 5 {
		t.Fatalf("%v, %v; want 5 files, each once", found, err)
	}
	if len(found.Others) != 1 || found.Others[0].String() != "left out in "+dir+": "+filepath.Join(dir, "notes.txt")+", which no reader takes" {
		t.Errorf("%v is left out of the folder; want notes.txt", found.Others)
	}
	inputs := found.Inputs
	settings, err := Settings([]Sweep{{"is_nmf.rank", []string{"2", "3"}}, {"seed", []string{"1", "2"}}}, false)
	if err != nil {
		t.Fatal(err)
	}
	items, bad := plan(t, spec, inputs, settings, func(p *Plan) { p.Reference = "{dir}/{input}-stems" })
	if len(bad) != 1 || !strings.HasSuffix(bad[0].Input, "bad.wav") {
		t.Errorf("%v were left out; want bad.wav", bad)
	}
	var names []string
	for _, it := range items {
		names = append(names, it.Name)
		if it.Seconds <= 0 || it.Memory < 1<<20 || it.Audio != 1 {
			t.Errorf("%s: %g s, %d bytes for %g s of sound", it.Name, it.Seconds, it.Memory, it.Audio)
		}
		if (it.Reference != "") != strings.HasPrefix(it.Name, "a-mix/") {
			t.Errorf("%s: its true stems are in %q", it.Name, it.Reference)
		}
	}
	if want := "a-mix/is_nmf.rank=2,seed=1 a-mix/is_nmf.rank=2,seed=2 a-mix/is_nmf.rank=3,seed=1 a-mix/is_nmf.rank=3,seed=2 b-mix/is_nmf.rank=2,seed=1"; !strings.HasPrefix(strings.Join(names, " "), want) || len(names) != 16 {
		t.Errorf("%v; want %s …", names, want)
	}
	if !slices.Contains(names, "_.hidden/is_nmf.rank=3,seed=2") {
		t.Errorf("%v: a name that begins with a dot would be hidden", names)
	}
	if _, err := Inputs(t.Context(), []string{filepath.Join(dir, "none.wav"), filepath.Join(dir, "*.flac"), filepath.Join(dir, "a", "mix-stems")}, nil); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three that name nothing: %v", err)
	}
}

// A manifest names files so that they are found from any folder, however the pipeline was named.
func TestPlanNamesFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	tone(t, "a.wav", 440)
	items, _ := plan(t, spec, []string{"a.wav"}, nil, func(p *Plan) {
		s, err := pipeline.Parse("spec.json", []byte(spec))
		if err == nil {
			p.Pipeline, err = pipeline.Check(s, p.Registry)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if want := filepath.Join(dir, "none.wav"); !strings.Contains(string(items[0].Header.Pipeline), want) {
		t.Errorf("%s\ndoes not name %s", items[0].Header.Pipeline, want)
	}
}

func TestManifestFaults(t *testing.T) {
	const header = `{"audiosep_manifest":1,"version":"v"}` + "\n"
	const item = `{"id":"1","name":"a","input":["a.wav"],"sha256":["s"]}` + "\n"
	for text, want := range map[string]string{
		"RIFF":                    "m:1: ",
		item:                      "m:1: an item stands before the header",
		`{"audiosep_manifest":2}`: "m:1: the manifest's format is version 2; this program reads version 1",
		header + `{"name":"a"}`:   "m:2: the item has no id",
		header + item + item:      "would both be written to a",
		header + strings.Replace(item, `"a"`, `"../a"`, 1):             `name is "../a"`,
		header + strings.Replace(item, `"a"`, `".audiosep/x"`, 1):      `name is ".audiosep/x"`,
		header + "\n" + item + strings.Replace(item, `"a"`, `"/a"`, 1): "m:4: ",
	} {
		if _, err := ReadManifest("m", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
	_, err := ReadManifest("m", strings.NewReader(strings.Repeat("x", longestLine+1)))
	if err == nil || !strings.Contains(err.Error(), "m: a line has more than 33554432 bytes; want a manifest") {
		t.Errorf("a long line: %v; want it told", err)
	}
	if _, err := List(strings.NewReader(strings.Repeat("x", longestName+1))); err == nil || !strings.Contains(err.Error(), "want one name a line") {
		t.Errorf("a long name: %v; want it told", err)
	}
}

// Every item is in one shard, shards are of about one size, and with one more few items move.
func TestShards(t *testing.T) {
	all := items(3000)
	for _, n := range []int{1, 2, 7} {
		at, moved := map[*Item]int{}, 0
		for i := range n {
			size := 0
			for _, it := range all {
				if (Shard{i, n}).Has(it) {
					if _, twice := at[it]; twice {
						t.Fatalf("%s is in two shards of %d", it.Name, n)
					}
					at[it] = i
					size++
				}
			}
			if want := len(all) / n; size < want*4/5 || size > want*6/5 {
				t.Errorf("shard %d of %d has %d items; want about %d", i, n, size, want)
			}
		}
		for _, it := range all {
			if _, ok := at[it]; !ok {
				t.Fatalf("%s is in no shard of %d", it.Name, n)
			}
			if !(Shard{at[it], n + 1}).Has(it) {
				moved++
			}
		}
		if moved > len(all)*6/5/(n+1) {
			t.Errorf("from %d shards to one more %d items move; want about %d", n, moved, len(all)/(n+1))
		}
	}
}

func TestParseShard(t *testing.T) {
	for _, c := range []struct {
		text, env string
		want      Shard
		err       string
	}{
		{"", "", Shard{0, 1}, ""},
		{"2/5", "", Shard{2, 5}, ""},
		{"5/5", "", Shard{}, "want i/n"},
		{"2", "", Shard{}, "want i/n"},
		{"x/5", "", Shard{}, "want i/n"},
		{"auto", "", Shard{}, "finds no job array"},
		{"auto", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=10 SLURM_ARRAY_TASK_STEP=3 SLURM_PROCID=0 SLURM_NTASKS=1", Shard{2, 4}, ""},
		{"auto", "SLURM_PROCID=3 SLURM_NTASKS=8", Shard{3, 8}, ""},
		{"auto", "JOB_COMPLETION_INDEX=3", Shard{}, "want --shard auto/n"},
		{"auto/4", "JOB_COMPLETION_INDEX=3", Shard{3, 4}, ""},
		{"auto/3", "JOB_COMPLETION_INDEX=3", Shard{}, "want an index among them"},
		{"auto", "AWS_BATCH_JOB_ARRAY_INDEX=3 AWS_BATCH_JOB_ARRAY_SIZE=9", Shard{3, 9}, ""},
		{"auto", "BATCH_TASK_INDEX=0 BATCH_TASK_COUNT=2", Shard{0, 2}, ""},
		{"auto", "SGE_TASK_ID=undefined CLOUD_RUN_TASK_INDEX=1 CLOUD_RUN_TASK_COUNT=2", Shard{1, 2}, ""},
		{"auto", "SGE_TASK_ID=5 SGE_TASK_FIRST=1 SGE_TASK_LAST=10 SGE_TASK_STEPSIZE=2", Shard{2, 5}, ""},
		{"auto/6", "PBS_ARRAY_INDEX=6", Shard{0, 6}, ""},
		{"auto", "PBS_ARRAY_INDEX=6", Shard{}, "want --shard auto/n"},
		{"auto", "LSB_JOBINDEX=4 LSB_JOBINDEX_END=4", Shard{3, 4}, ""},
	} {
		got, err := ParseShard(c.text, func(name string) (string, bool) {
			for _, v := range strings.Fields(c.env) {
				if n, value, _ := strings.Cut(v, "="); n == name {
					return value, true
				}
			}
			return "", false
		})
		if err == nil && c.err == "" && got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q, %s: %v, %v; want %v, %s", c.text, c.env, got, err, c.want, c.err)
		}
	}
}

func TestSweeps(t *testing.T) {
	for arg, want := range map[string]string{
		"is_nmf.rank=2,4,8": "2 4 8", "seed=1:4": "1 2 3 4", "a.b=2:9:3,20": "2 5 8 20", `a.b=["x","y"],["z"]`: `["x","y"] ["z"]`, "a.b=12:34:x": "12:34:x",
	} {
		s, err := ParseSweep(arg)
		if got := strings.Join(s.Values, " "); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", arg, got, err, want)
		}
	}
	for _, arg := range []string{"rank=2", "is_nmf.rank", "is_nmf.rank=", "seed=x", "seed=-1", "a.b=5:1", "a.b=1:9999999999"} {
		if _, err := ParseSweep(arg); err == nil {
			t.Errorf("%s is taken", arg)
		}
	}
	sweeps := []Sweep{{"a.b", []string{"1", "2"}}, {"seed", []string{"7", "8"}}}
	names := func(list bool) (all []string) {
		s, err := Settings(sweeps, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range s {
			all = append(all, fmt.Sprint(s.Name, s.Set, *s.Seed))
		}
		return all
	}
	if diff := cmp.Diff([]string{"a.b=1,seed=7[a.b=1] 7", "a.b=1,seed=8[a.b=1] 8", "a.b=2,seed=7[a.b=2] 7", "a.b=2,seed=8[a.b=2] 8"}, names(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a.b=1,seed=7[a.b=1] 7", "a.b=2,seed=8[a.b=2] 8"}, names(true)); diff != "" {
		t.Error(diff)
	}
	if _, err := Settings(append(sweeps, Sweep{"c.d", []string{"1"}}), true); err == nil {
		t.Error("lists of different lengths are taken")
	}
}
