#!/usr/bin/env bash
# Tells within about a minute what a change broke: the tests under -short of all packages that it reaches, or of
# those that stand last, as in scripts/quick.sh -run NMF ./factorizers. They are compiled without what only debuggers
# read and without vet, by a compiler that collects its garbage less often, and more packages are tested at once
# than there are processors, as some wait.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in -h | --help)
  sed -n '2,/^set/s/^# //p' "$0"
  echo "usage: scripts/quick.sh [FLAGS OF GO TEST] [./PACKAGE ...]"
  exit ;;
esac
last=${*: -1}
[[ $# -gt 0 && ($last = . || $last = ./*) ]] || set -- "$@" ./... # flags alone are for all packages
processors=$(getconf _NPROCESSORS_ONLN)
GOGC=${GOGC:-400} CGO_ENABLED=0 exec go test -short -vet=off -gcflags=-dwarf=false -p $((2 * processors)) "$@"
