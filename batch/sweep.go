package batch

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Setting is one point of a sweep.
type Setting struct {
	Name string   // of the folder, in that of each recording; empty where there is one setting
	Set  []string // STAGE.PARAMETER=VALUE
	Seed *uint64  // nil: the pipeline's
}

// Sweep is a parameter, or the seed, and the values that it is to have.
type Sweep struct {
	Name   string // STAGE.PARAMETER, or seed
	Values []string
}

// mostValues bounds a sweep, against 1:1000000000.
const mostValues = 100000

// ParseSweep reads NAME=VALUES: values with commas between, where a:b stands for all whole
// numbers from a to b, and a:b:step for those in steps.
func ParseSweep(arg string) (Sweep, error) {
	name, list, ok := strings.Cut(arg, "=")
	s := Sweep{Name: strings.TrimSpace(name)}
	if !ok || s.Name == "" || list == "" || s.Name != "seed" && !strings.Contains(s.Name, ".") {
		return s, fmt.Errorf("--sweep is %q; want STAGE.PARAMETER=VALUES or seed=VALUES, such as is_nmf.rank=2,4,8 or seed=1:5", arg)
	}
	for _, part := range topLevel(list) {
		values, err := rangeOf(part)
		if err != nil {
			return s, fmt.Errorf("--sweep %s: %w", arg, err)
		}
		s.Values = append(s.Values, values...)
	}
	if len(s.Values) > mostValues {
		return s, fmt.Errorf("--sweep %s has %d values; want at most %d", arg, len(s.Values), mostValues)
	}
	for _, v := range s.Values {
		if _, err := strconv.ParseUint(v, 10, 64); s.Name == "seed" && err != nil {
			return s, fmt.Errorf("--sweep %s: a seed is %q; want a whole number, 0 to 2⁶⁴-1", arg, v)
		}
	}
	return s, nil
}

// topLevel splits a list at the commas that are not inside brackets or quotes, so that values
// may be lists.
func topLevel(list string) (parts []string) {
	depth, quoted, from := 0, false, 0
	for i, r := range list {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(list[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(list[from:]))
}

// rangeOf returns the numbers of a:b or a:b:step, else the text itself.
func rangeOf(part string) ([]string, error) {
	ends := strings.Split(part, ":")
	if len(ends) < 2 || len(ends) > 3 {
		return []string{part}, nil
	}
	numbers := []int64{0, 0, 1}
	for i, end := range ends {
		n, err := strconv.ParseInt(end, 10, 64)
		if err != nil {
			return []string{part}, nil // a text with a colon
		}
		numbers[i] = n
	}
	from, to, step := numbers[0], numbers[1], numbers[2]
	if step < 1 || to < from || (to-from)/step >= mostValues {
		return nil, fmt.Errorf("the range is %s; want FROM:TO or FROM:TO:STEP, rising, of at most %d values", part, mostValues)
	}
	var all []string
	for n := from; n <= to; n += step {
		all = append(all, strconv.FormatInt(n, 10))
	}
	return all, nil
}

// Settings returns the points of sweeps: a grid of all combinations, the last sweep fastest,
// or, as a list, the first values of all, the second values, and so on.
func Settings(sweeps []Sweep, list bool) ([]Setting, error) {
	if len(sweeps) == 0 {
		return nil, nil
	}
	points := 1
	for i, s := range sweeps {
		for _, other := range sweeps[:i] {
			if other.Name == s.Name {
				return nil, fmt.Errorf("%s is swept twice; want all its values in one --sweep", s.Name)
			}
		}
		switch {
		case !list:
			points *= len(s.Values)
		case i > 0 && len(s.Values) != points:
			return nil, fmt.Errorf("%s has %d values and %s %d; want as many of each in a list", sweeps[0].Name, points, s.Name, len(s.Values))
		default:
			points = len(s.Values)
		}
		if points > mostValues {
			return nil, fmt.Errorf("the sweeps have more than %d settings; want fewer values", mostValues)
		}
	}
	var all []Setting
	taken := map[string]bool{}
	for point := range points {
		s := settingAt(sweeps, list, point, points)
		if taken[s.Name] || len(s.Name) > 200 {
			s.Name = fmt.Sprintf("setting-%d", point+1)
		}
		taken[s.Name] = true
		all = append(all, s)
	}
	return all, nil
}

// settingAt returns one point.
func settingAt(sweeps []Sweep, list bool, point, points int) (s Setting) {
	var words []string
	rest, block := point, points
	for _, sweep := range sweeps {
		at := point
		if !list {
			block /= len(sweep.Values)
			at, rest = rest/block, rest%block
		}
		value := sweep.Values[at]
		words = append(words, sweep.Name+"="+value)
		if sweep.Name == "seed" {
			seed, _ := strconv.ParseUint(value, 10, 64) // it was checked
			s.Seed = &seed
		} else {
			s.Set = append(s.Set, sweep.Name+"="+value)
		}
	}
	s.Name = unsafe.ReplaceAllString(strings.Join(words, ","), "_")
	return s
}

// settingOf returns what the setting of an item says of a sweep, as plain text.
func settingOf(it *Item, name string) string {
	if name == "seed" && it.Seed != nil {
		return strconv.FormatUint(*it.Seed, 10)
	}
	for _, set := range it.Set {
		if n, value, _ := strings.Cut(set, "="); n == name {
			if text, err := jsontext.AppendUnquote(nil, value); err == nil {
				return string(text)
			}
			return value
		}
	}
	return ""
}

// sweptNames returns what the setting of an item sets.
func sweptNames(it *Item) (names []string) {
	for _, set := range it.Set {
		name, _, _ := strings.Cut(set, "=")
		names = append(names, name)
	}
	if it.Seed != nil {
		names = append(names, "seed")
	}
	return names
}
