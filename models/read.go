package models

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/internal/whole"
	"gonum.org/v1/gonum/mat"
)

// arrayNames are the arrays of a model, in the order of the file.
var arrayNames = []string{"phi", "w", "h", "objective", "restarts", "analysis", "synthesis"}

const (
	longestMeta = 1 << 16 // bytes of model.json
	// What is read out of a compressed file may be so many bytes, or so many times the
	// size of the file if that is more.
	freeBytes     = 64 << 20
	mostExpansion = 16
	mostSamples   = 1 << 40 // far more than any recording; keeps sums of a few in range
)

// Load reads a model from a file that [Save] wrote, or NumPy in the same layout:
//
//	numpy.savez("model.npz", phi=phi, w=w, h=h)
//
// is enough; without a model.json nothing is known of the framing. phi may be any
// matrix that [audiosep.NewMatrixTransform] takes, and w and h are finite and ≥ 0. It
// is an error if anything of that fails, if the version is unknown, or if a part says
// it is of another size than it is. Arrays of other names are not looked at.
func Load(path string) (audiosep.Model, error) {
	file, err := whole.Open(path)
	if err != nil {
		return audiosep.Model{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return audiosep.Model{}, err
	}
	m, err := Read(file, info.Size())
	if err != nil {
		return audiosep.Model{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Read is [Load] from the size bytes of r.
func Read(r io.ReaderAt, size int64) (audiosep.Model, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return audiosep.Model{}, fmt.Errorf("it is no .npz file: %w", err)
	}
	members, err := membersOf(z, size)
	if err != nil {
		return audiosep.Model{}, err
	}
	info := meta{Version: Version}
	if f, ok := members[metaName]; ok {
		if info, err = readMeta(f); err != nil {
			return audiosep.Model{}, fmt.Errorf("%s: %w", metaName, err)
		}
	}
	parts := map[string]npy.Array{}
	for _, name := range arrayNames {
		f, ok := members[name+".npy"]
		if !ok {
			continue
		}
		if parts[name], err = readArray(f); err != nil {
			return audiosep.Model{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	m, err := unpack(parts, info)
	if errors.Is(err, errEmpty) && len(z.File) > 0 {
		var names []string
		for _, f := range z.File[:min(len(z.File), 8)] {
			names = append(names, strconv.Quote(f.Name))
		}
		err = fmt.Errorf("%w: there are %s", err, strings.Join(names, ", "))
	}
	return m, err
}

// errEmpty is that of a file which holds no part of a model.
var errEmpty = errors.New("the model is empty; want phi, w or h")

// membersOf returns the files in z that belong to a model, which together are not much
// greater than z itself.
func membersOf(z *zip.Reader, size int64) (map[string]*zip.File, error) {
	known := map[string]bool{metaName: true}
	for _, name := range arrayNames {
		known[name+".npy"] = true
	}
	most := max(freeBytes, mostExpansion*uint64(size))
	members := map[string]*zip.File{}
	for _, f := range z.File {
		if !known[f.Name] {
			continue
		}
		if members[f.Name] != nil {
			return nil, fmt.Errorf("it has %s twice", f.Name)
		}
		if f.UncompressedSize64 > most {
			return nil, fmt.Errorf("%s would need %s in memory, in a file of %d", f.Name, counted.Of(f.UncompressedSize64, "byte"), size)
		}
		most -= f.UncompressedSize64
		members[f.Name] = f
	}
	return members, nil
}

func readMeta(f *zip.File) (meta, error) {
	var info meta
	if f.UncompressedSize64 > longestMeta {
		return info, fmt.Errorf("it is %s long; want at most %d", counted.Of(f.UncompressedSize64, "byte"), longestMeta)
	}
	r, err := f.Open()
	if err != nil {
		return info, err
	}
	defer r.Close()
	text, err := io.ReadAll(r) // zip ends it at UncompressedSize64
	if err != nil {
		return info, err
	}
	var version struct {
		Version int `json:"audiosep_model"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return info, err
	}
	if version.Version != Version {
		return info, fmt.Errorf("the model's format is version %d; this program reads version %d", version.Version, Version)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return info, dec.Decode(&info)
}

func readArray(f *zip.File) (npy.Array, error) {
	r, err := f.Open()
	if err != nil {
		return npy.Array{}, err
	}
	defer r.Close()
	a, err := npy.Read(r, int64(f.UncompressedSize64))
	if err != nil {
		return a, err
	}
	_, err = io.Copy(io.Discard, r) // the check sum is looked at where the file ends
	return a, err
}

// unpack puts a model together and checks that its parts fit.
func unpack(parts map[string]npy.Array, info meta) (m audiosep.Model, err error) {
	bins := -1
	phi, err := optionalMatrix(parts, "phi")
	if err != nil {
		return m, err
	}
	if phi != nil {
		bins, _ = phi.Dims()
		if m.Transform, err = audiosep.NewMatrixTransform(phi); err != nil {
			return m, err
		}
	}
	if m.Factors, err = unpackFactors(parts, bins); err != nil {
		return m, err
	}
	if m.Factors != nil {
		if info.Power < 0 || info.Power > 2 {
			return m, fmt.Errorf("the factors' power is %d; want 2, of powers, or 1, of magnitudes", info.Power)
		}
		m.Factors.Stop, m.Factors.Power = info.Stop, info.Power
		if err := unpackSources(m.Factors, info.Sources); err != nil {
			return m, err
		}
	}
	if m.Framing, err = unpackFraming(parts, info.Framing); err != nil {
		return m, err
	}
	if m.Transform == nil && m.Factors == nil {
		return m, errEmpty
	}
	if m.Transform != nil && m.Framing != nil && m.Transform.Len() != m.Framing.Length {
		return m, &audiosep.ShapeError{What: "phi", Is: fmt.Sprintf("for frames of %s", counted.Of(m.Transform.Len(), "sample")), Want: fmt.Sprintf("%d, as the framing", m.Framing.Length)}
	}
	return m, nil
}

// optionalMatrix returns nil where there is no such array.
func optionalMatrix(parts map[string]npy.Array, name string) (*mat.Dense, error) {
	a, ok := parts[name]
	if !ok {
		return nil, nil
	}
	m, err := a.Matrix()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// unpackFactors returns nil where there is neither w nor h.
func unpackFactors(parts map[string]npy.Array, bins int) (*audiosep.Factors, error) {
	w, err := optionalMatrix(parts, "w")
	if err != nil {
		return nil, err
	}
	h, err := optionalMatrix(parts, "h")
	if err != nil || w == nil && h == nil {
		return nil, err
	}
	f := &audiosep.Factors{W: w, H: h, Objective: parts["objective"].Data, Restarts: parts["restarts"].Data}
	return f, f.Validate(bins, -1)
}

// unpackSources says whose the components of f are.
func unpackSources(f *audiosep.Factors, sources []source) error {
	if sources == nil {
		return nil
	}
	rank := 0
	if f.W != nil {
		_, rank = f.W.Dims()
	} else {
		rank, _ = f.H.Dims()
	}
	for _, s := range sources {
		f.Sources = append(f.Sources, audiosep.Group{Name: s.Name, Components: s.Components})
	}
	if err := audiosep.CheckGroups(f.Sources, rank); err != nil {
		return fmt.Errorf("the sources in %s: %w", metaName, err)
	}
	return nil
}

func unpackFraming(parts map[string]npy.Array, info *framing) (*audiosep.Framing, error) {
	analysis, ok := parts["analysis"]
	synthesis, both := parts["synthesis"]
	if info == nil && !ok && !both {
		return nil, nil
	}
	if info == nil || !ok || !both {
		return nil, fmt.Errorf("the framing is incomplete; want framing in %s, analysis and synthesis, or none of them", metaName)
	}
	for _, n := range []int{info.Rate, info.Samples, info.Channels, info.Realisations} {
		if n < 0 || n > mostSamples {
			return nil, fmt.Errorf("the framing counts %d of something; want 0 to %d", n, mostSamples)
		}
	}
	f := audiosep.Framing{
		Head:   audiosep.Head{Rate: info.Rate, Channels: info.Channels, Realisations: info.Realisations},
		Length: info.Length, Hop: info.Hop, Pad: info.Pad, Share: info.Share,
		Analysis: analysis.Data, Synthesis: synthesis.Data,
	}
	// Without the recording's length its ends are not looked at: whoever learnt from
	// it has joined its frames, and a hostile file cannot make this last for ever.
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("the framing: %w", err)
	}
	f.Samples = info.Samples
	return &f, nil
}
