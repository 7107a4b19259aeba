#!/usr/bin/env bash
# The recipe for Pepr inside the real Pepr, which is installed with a lockfile of its own: the types fit, and a PeprModule
# that serves the recipe denies what assay denies. Exit 77: can't be had here, the last line says why.
set -uo pipefail
cd "$(dirname "$0")/pepr"
export PATH="$PWD/../../../node_modules/.bin:$PATH" NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
npx -y pnpm@12.21.0 install --frozen-lockfile --prefer-offline --reporter=append-only >"$log" 2>&1 ||
  { echo "pepr could not be installed: $(tail -n 1 "$log")"; exit 77; }
tsc -p tsconfig.json || { echo "0 passed, 1 failed"; exit 1; }
node --conditions=assay:source main.ts
