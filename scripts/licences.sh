#!/usr/bin/env bash
# Prints the licences of Go and of the modules that are in the program on any of six platforms: module,
# version, and the texts of its licence.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "The program audiosep has parts of Go and of the modules below; their source is where their"
echo "names say, such as https://pkg.go.dev/NAME@VERSION."
printf '\n==== Go %s\n\n' "$(go env GOVERSION)"
cat "$(go env GOROOT)/LICENSE"

modules=$(for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go list -deps \
    -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/audiosep
done | LC_ALL=C sort -u)
while read -r name version dir; do
  # Files such as LICENSE.txt, UNLICENSE, PATENTS and NOTICE, and those of a folder of licences. Where
  # freetype leaves a choice, its own licence is taken.
  texts=$(cd "$dir" && find . -maxdepth 2 -type f | LC_ALL=C sort |
    grep -iE '^\./((un)?licen[cs]e|copying|notice|patents)[^/]*$|^\./[a-z_]*licen[cs]es/' | grep -v /gpl.txt) || true
  [ -n "$texts" ] || { echo "$name $version has no file with a licence in $dir; want one to show" >&2; exit 1; }
  for text in $texts; do
    printf '\n==== %s %s: %s\n\n' "$name" "$version" "${text#./}"
    cat "$dir/$text"
  done
done <<<"$modules"
