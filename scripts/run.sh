#!/usr/bin/env bash
# Installs what the lockfile names (a no-op when it is there), then runs one of the project's commands with
# the pinned Node from node_modules/.bin. Works on any machine with Node >= 20 and npm.
set -euo pipefail
cd "$(dirname "$0")/.."
PNPM="npx -y pnpm@12.21.0"
# Quick when nothing changed: the stamp holds the lockfile's hash of the last complete install.
stamp=node_modules/.assay-lock
now=$(cat pnpm-lock.yaml packages/*/package.json package.json | cksum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$now" ]; then
  echo "installing dependencies (once)..." >&2
  $PNPM install --frozen-lockfile --reporter=append-only >&2
  echo "$now" >"$stamp"
fi
export PATH="$PWD/node_modules/.bin:$PATH"
export NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
verb=$1
shift
case "$verb" in
  test) exec vitest run "$@" ;;
  demo) exec node --conditions=assay:source examples/demo/demo.ts "$@" ;;
  conformance) exec node --conditions=assay:source packages/conformance/src/cli.ts "$@" ;;
  *) echo "usage: run.sh test|demo|conformance" >&2; exit 2 ;;
esac
