#!/usr/bin/env bash
# The real Kyverno admission controller beside assay: random policies, exceptions and reviews of fixed seeds, in a world of signed
# images. Every difference is a row of docs/compatibility.md, or a failure. Exit 77: can't be had here, the last line says
# why. Building Kyverno takes many minutes: that is left to scripts/lanes/kyverno-build.sh, unless ASSAY_BUILD_KYVERNO=1.
set -uo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
command -v openssl >/dev/null || { echo "kyverno lane: openssl is not on the path"; exit 77; }
flag=--built
[ "${ASSAY_BUILD_KYVERNO:-}" = 1 ] && flag=
kyverno=$(bash scripts/lanes/kyverno-build.sh $flag 2>&1) || { echo "$kyverno" | tail -n 1; exit 77; }
cluster=$(bash scripts/lanes/cluster-build.sh 2>&1) || { echo "$cluster" | tail -n 1; exit 77; }
exec node --conditions=assay:source --disable-warning=ExperimentalWarning packages/conformance/src/lanes/kyverno/main.ts \
  --cluster="$cluster" --kyverno="$kyverno" --seed=1 --sets=16 --reviews=5
