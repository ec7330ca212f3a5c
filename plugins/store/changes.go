package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
)

// Changes says, a line each, what a plugin that was exchanged for another has that the other had not,
// and the other way round: its version, files, stages, and what these take, make and can be told.
func Changes(old, now *Installed) (lines []string) {
	if old.Version != now.Version {
		lines = append(lines, fmt.Sprintf("version: %s → %s", orNone(old.Version), orNone(now.Version)))
	}
	files := difference(old.Files, now.Files, func(was, is string) []string {
		if was == is {
			return nil
		}
		return []string{"changed"}
	})
	lines = append(lines, few("files", files)...)
	return append(lines, difference(byName(old.Offers), byName(now.Offers), stageChanges)...)
}

func orNone(version string) string {
	if version == "" {
		return "none"
	}
	return version
}

// few lists what changed in one line, the first of it if it is much.
func few(what string, changes []string) []string {
	const most = 12
	if len(changes) == 0 {
		return nil
	}
	if n := len(changes) - most; n > 1 {
		changes = append(slices.Clone(changes[:most]), fmt.Sprintf("… (%d more)", n))
	}
	return []string{what + ": " + strings.Join(changes, ", ")}
}

// difference compares what has the same name: "NAME added", "NAME removed", or "NAME WHAT" of what
// changed says.
func difference[V any](old, now map[string]V, changed func(was, is V) []string) (lines []string) {
	all := maps.Clone(old)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, now)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, before := old[name]
		is, after := now[name]
		switch {
		case !before:
			lines = append(lines, name+" added")
		case !after:
			lines = append(lines, name+" removed")
		default:
			for _, what := range changed(was, is) {
				lines = append(lines, name+" "+what)
			}
		}
	}
	return lines
}

func byName(all []audiosep.Definition) map[string]audiosep.Definition {
	m := map[string]audiosep.Definition{}
	for _, d := range all {
		m[d.Name] = d
	}
	return m
}

// stageChanges compares two versions of a stage.
func stageChanges(was, is audiosep.Definition) (changes []string) {
	ports := func(ports []audiosep.Port) string {
		var s []string
		for _, p := range ports {
			s = append(s, fmt.Sprintf("%s %s%s%s", p.Name, p.Cargo, map[bool]string{true: ", optional"}[p.Optional], map[bool]string{true: ", many"}[p.Many]))
		}
		return strings.Join(s, "; ")
	}
	for _, side := range []struct{ what, was, is string }{{"takes", ports(was.In), ports(is.In)}, {"makes", ports(was.Out), ports(is.Out)}} {
		if side.was != side.is {
			changes = append(changes, fmt.Sprintf("%s: %s → %s", side.what, orNone(side.was), orNone(side.is)))
		}
	}
	params := func(d audiosep.Definition) map[string]audiosep.Param {
		m := map[string]audiosep.Param{}
		for _, p := range d.Params {
			m["parameter "+p.Name] = p
		}
		return m
	}
	return append(changes, difference(params(was), params(is), paramChanges)...)
}

// paramChanges compares two versions of a parameter, but for what is said about it.
func paramChanges(was, is audiosep.Param) (changes []string) {
	differ := func(what, was, is string) {
		if was != is {
			changes = append(changes, fmt.Sprintf("%s: %s → %s", what, orNone(was), orNone(is)))
		}
	}
	differ("type", was.Type, is.Type)
	differ("default", compact(was.Default), compact(is.Default))
	differ("range", was.Range(), is.Range())
	differ("unit", was.Unit, is.Unit)
	return changes
}

// compact returns JSON without the spaces that a record has put into it.
func compact(text []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return string(text)
	}
	return b.String()
}
