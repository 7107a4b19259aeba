#!/usr/bin/env bash
# Packs every published package as `npm publish` would and checks the tarballs: exports resolve, types agree, and none is
# larger than its budget.
# Needs a build. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
export PATH="$PWD/node_modules/.bin:$PATH"
pnpm=$(npx -y pnpm@12.21.0 exec sh -c 'command -v pnpm') || exit 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0
# What each tarball may weigh, in KiB, sources and source maps included: about a quarter more than it does. A package that
# is not here is over its budget.
declare -A budgets=([assay]=360 [conditions]=376 [controller]=84 [engine]=328 [gatekeeper]=12 [image]=40 [policy]=256
  [sources]=384 [testkit]=176 [verify]=288 [webhook]=72)
within() { # SIZE BUDGET
  [ "$1" -le "$2" ] || { echo "$1 KiB, over its budget of $2 KiB"; return 1; }
}
for manifest in packages/*/package.json; do
  directory=$(dirname "$manifest")
  if grep -q '"private": true' "$manifest"; then continue; fi
  tarballs="$out/$(basename "$directory")"
  mkdir -p "$tarballs"
  if (cd "$directory" && "$pnpm" pack --pack-destination "$tarballs") >"$tarballs/log" 2>&1 &&
    publint run --strict "$tarballs"/*.tgz >>"$tarballs/log" 2>&1 &&
    attw --profile esm-only "$tarballs"/*.tgz >>"$tarballs/log" 2>&1 &&
    size=$(($(cat "$tarballs"/*.tgz | wc -c) / 1024)) budget=${budgets[$(basename "$directory")]:-0} &&
    within "$size" "$budget" >>"$tarballs/log"; then
    passed=$((passed + 1))
    echo "$directory: publint and attw have no complaint, $size of $budget KiB"
  else
    failed=$((failed + 1))
    echo "$directory: not fit to publish"
    cat "$tarballs/log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
