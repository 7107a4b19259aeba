#!/usr/bin/env bash
# Random texts, read by assay and by the readers of those who act on its answers: Kubernetes', and containerd's. No two may
# read something different. READERS_SECONDS (10) says how long for each, READERS_SEED repeats a finding.
set -u
cd "$(dirname "$0")/../.." || exit 2
. scripts/lanes/tools.sh
ASSAY_GO_READERS=$(go_readers) || exit 77
export ASSAY_GO_READERS
export PATH="$PWD/node_modules/.bin:$PATH"
exec node --conditions=assay:source --disable-warning=ExperimentalWarning packages/conformance/src/readers/main.ts
