#!/usr/bin/env bash
# Bundles of a throwaway Sigstore, verified by assay's kernel and by sigstore-go. What the kernel accepts and sigstore-go refuses
# is a row of docs/compatibility.md, or a failure. `--changes` mixes them with one another and changes their bytes as well; then
# no two runs are the same. VERIFIERS_SECONDS says how long, VERIFIERS_SEED what is drawn.
set -u
cd "$(dirname "$0")/../.." || exit 2
. scripts/lanes/tools.sh
ASSAY_GO_VERIFIERS=$(go_verifiers) || exit 77
export ASSAY_GO_VERIFIERS
export PATH="$PWD/node_modules/.bin:$PATH"
exec node --conditions=assay:source --disable-warning=ExperimentalWarning packages/conformance/src/lanes/verifiers/main.ts "$@"
