package audio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// part is what goes into the files of one name: a source, or the sum of several.
type part struct {
	name    string
	number  int   // 0 to of-1, for {n}
	of      int   // how many sources there are
	sources []int // whose sum it is

	sum  [][]float64 // of the block's sources that have come
	came []bool      // [index of sources]
	left int
}

// share says which sources go into which files.
func (s *writeAudio) share(sources []string) ([]part, error) {
	if sources[0] == unknownSource {
		return []part{{name: unknownSource, of: 1}}, nil
	}
	one := func(j int) part { return part{name: sources[j], number: j, of: len(sources), sources: []int{j}} }
	var parts []part
	if s.p.Two == "" {
		for j := range sources {
			parts = append(parts, one(j))
		}
	} else {
		j, err := sourceIndex(sources, s.p.Two)
		if err != nil {
			return nil, err
		}
		if len(sources) < 2 {
			return nil, fmt.Errorf("two is %q, and there is no source but that; want at least two", s.p.Two)
		}
		rest := part{name: "no-" + sources[j], number: len(sources), of: len(sources)}
		for i := range sources {
			if i != j {
				rest.sources = append(rest.sources, i)
			}
		}
		parts = []part{one(j), rest}
	}
	return s.some(parts)
}

// some returns those of the parts that are wanted, in the order in which they are.
func (s *writeAudio) some(parts []part) (wanted []part, err error) {
	if len(s.p.Only) == 0 {
		return parts, nil
	}
	for _, name := range s.p.Only {
		i, err := sourceIndex(partNames(parts), name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(wanted, func(p part) bool { return p.number == parts[i].number }) {
			wanted = append(wanted, parts[i])
		}
	}
	return wanted, nil
}

func partNames(parts []part) []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return names
}

// sourceIndex returns which of the sources is meant: by its name, or else by its number.
func sourceIndex(names []string, wanted string) (int, error) {
	j := slices.Index(names, wanted)
	if n, err := strconv.Atoi(wanted); j < 0 && err == nil && n >= 1 && n <= len(names) {
		j = n - 1
	}
	if j < 0 {
		return 0, fmt.Errorf("no source is called %q; want one of %s, or a number from 1 to %d", wanted, strings.Join(names, ", "), len(names))
	}
	return j, nil
}

// add takes the next block of a source and returns the part's, once all its sources have come;
// nil before, and where the source is none of them.
func (p *part) add(source int, block [][]float64) ([][]float64, error) {
	i := slices.Index(p.sources, source)
	if i < 0 {
		return nil, nil
	}
	if len(p.sources) == 1 {
		return block, nil
	}
	if p.left == 0 {
		p.begin(block)
	}
	if p.came[i] || len(block[0]) != len(p.sum[0]) {
		return nil, &audiosep.ShapeError{What: fmt.Sprintf("the block of source %d", source+1), Is: fmt.Sprintf("%s long, or the second", counted.Of(len(block[0]), "sample")), Want: fmt.Sprintf("one of %s from each source in turn", counted.Of(len(p.sum[0]), "sample"))}
	}
	p.came[i] = true
	for l, x := range block {
		for t, v := range x {
			p.sum[l][t] += v
		}
	}
	if p.left--; p.left > 0 {
		return nil, nil
	}
	return p.sum, nil
}

// begin clears the sum for blocks of a shape.
func (p *part) begin(block [][]float64) {
	if p.sum == nil {
		p.sum, p.came = make([][]float64, len(block)), make([]bool, len(p.sources))
	}
	p.left = len(p.sources)
	clear(p.came)
	for l, x := range block {
		if cap(p.sum[l]) < len(x) {
			p.sum[l] = make([]float64, len(x))
		}
		p.sum[l] = p.sum[l][:len(x)]
		clear(p.sum[l])
	}
}

// Forecast finds fault with sources that will not be there, where they are known.
func (s *writeAudio) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	names := in["sources"].Sources
	if names == nil {
		return nil, nil
	}
	if _, err := sourceIndex(names, s.p.Two); s.p.Two != "" && err != nil {
		return nil, &audiosep.ParamError{Name: "two", What: fmt.Sprintf("is %q; want one of %s, or a number from 1 to %d", s.p.Two, strings.Join(names, ", "), len(names))}
	}
	all := *s
	all.p.Only = nil
	names = all.Choices(names)
	for _, name := range s.p.Only {
		if _, err := sourceIndex(names, name); err != nil {
			return nil, &audiosep.ParamError{Name: "only", What: fmt.Sprintf("has %q; want some of %s, or numbers from 1 to %d", name, strings.Join(names, ", "), len(names))}
		}
	}
	return nil, nil
}

// Choices returns the names of the stems that are written of sources, none where that is no
// choice.
func (s *writeAudio) Choices(sources []string) []string {
	if len(sources) == 0 {
		return nil
	}
	parts, err := s.share(sources)
	if err != nil {
		return nil
	}
	return partNames(parts)
}
