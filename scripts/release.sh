#!/usr/bin/env bash
# Builds what is released: static programs for six platforms, wheels and an npm package that hold
# them, the SDK of plugins in Python as a wheel, completions, a man page and checksums. It needs Go and python3, and no network where the
# modules are there already.
#
#   scripts/release.sh VERSION OUT
#
# VERSION is such as 0.1.0, OUT a folder that is new or empty. Where the tools are there, what can
# be installed here is installed into empty environments and separates a recording.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 2 ] || { echo "usage: scripts/release.sh VERSION OUT" >&2; exit 2; }
version=$1
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "the version is $version; want one such as 0.1.0" >&2; exit 2; }
mkdir -p "$2"
out=$(cd "$2" && pwd)
[ -z "$(ls -A "$out")" ] || { echo "$out has files in it; want an empty folder" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  os=${platform%/*} arch=${platform#*/}
  dir=$work/programs/$os-$arch
  exe=$([ "$os" != windows ] || echo .exe)
  GOOS=$os GOARCH=$arch CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=v$version" -o "$dir/audiosep$exe" ./cmd/audiosep
  echo "$platform"
done

own=$work/programs/$(go env GOHOSTOS)-$(go env GOHOSTARCH)/audiosep
share=$work/share
mkdir -p "$share"
for shell in bash zsh fish powershell; do "$own" completion $shell >"$share/audiosep.$shell"; done
"$own" man >"$share/audiosep.1"
cp LICENSE README.md CHANGELOG.md "$share"
for net in nets/*/LICENSE; do # of the weights that are in the program
  printf '%s\n\n' "The weights of $(basename "$(dirname "$net")"):"
  cat "${net%LICENSE}"{LICENSE,NOTICE} 2>/dev/null || true # a notice is not everywhere
  echo
done >"$share/LICENSE.weights"
scripts/licences.sh >"$share/LICENSE.modules"

python3 scripts/package.py "$version" "$work/programs" "$share" "$out"
(cd "$out" && sha256sum -- * >SHA256SUMS)

# What is here can be installed here.
piano=$PWD/examples/piano/mix.wav
try() { # NAME PROGRAM
  "$2" --version | grep -q "v$version"
  "$2" run hpss --input "$piano" --out "$work/$1" --quiet
  "$2" replay "$work/$1/audiosep.json" --quiet >/dev/null
  echo "$1 installs and separates"
}
mkdir "$work/unpacked"
tar -xzf "$out/audiosep-$version-$(go env GOHOSTOS)-$(go env GOHOSTARCH).tar.gz" -C "$work/unpacked"
try archive "$work/unpacked/audiosep-$version/audiosep"
if python3 -c 'import ensurepip' 2>/dev/null; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --no-index --find-links "$out" "audiosep==$version"
  try wheel "$work/venv/bin/audiosep"
  "$work/venv/bin/pip" install --quiet --no-index --no-deps --find-links "$out" "audiosep-plugin==$version"
  if /usr/bin/python3 -c 'import ensurepip, numpy, grpc, google.protobuf' 2>/dev/null; then
    /usr/bin/python3 -m venv --system-site-packages "$work/plugins" # so that what the SDK needs is there without a network
    "$work/plugins/bin/pip" install --quiet --no-index --find-links "$out" "audiosep-plugin==$version"
    (
      cd "$work"
      PATH=$work/plugins/bin:$PATH
      "$own" plugin new --lang python sdk >/dev/null
      rm audiosep-plugin-sdk/audiosep_plugin.py # the package is to be found
      "$own" run audiosep-plugin-sdk/pipeline.json --plugins audiosep-plugin-sdk --out sdk --quiet
    )
    echo "the SDK installs and runs a plugin"
  else
    echo "skipped: there is no python3 with numpy, grpcio and protobuf to run a plugin with"
  fi
else
  echo "skipped: there is no python3-venv to install the wheel with"
fi
if command -v npm >/dev/null; then
  mkdir "$work/npm"
  (cd "$work/npm" && npm install --offline --no-audit --no-fund --silent "$out/audiosep-$version.tgz")
  try npm "$work/npm/node_modules/.bin/audiosep"
else
  echo "skipped: there is no npm to install the package with"
fi
