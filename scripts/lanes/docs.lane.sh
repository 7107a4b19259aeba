#!/usr/bin/env bash
# Builds the documentation site (its own lockfile) and opens it in a real headless Chromium: links, console errors, the
# playground by hand and by keyboard. Exit 77: can't be had here, the last line says why.
set -uo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
if [ -z "$chromium" ]; then
  command -v apt-get >/dev/null || { echo "chromium is not installed and there is no apt-get"; exit 77; }
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y chromium; } >/tmp/assay-chromium.log 2>&1 ||
    { echo "chromium could not be installed: $(tail -n 1 /tmp/assay-chromium.log)"; exit 77; }
  chromium=$(command -v chromium)
fi
cd docs
npx -y pnpm@12.21.0 install --frozen-lockfile --reporter=append-only || exit 1
# The playground stands in for the kernel: what the engine asks of one is checked by type.
npx tsc --noEmit -p tsconfig.playground.json || exit 1
npx typedoc || exit 1
npx vitepress build . || exit 1
CHROMIUM=$chromium node browser-check.mjs
