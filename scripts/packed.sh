#!/usr/bin/env bash
# Packs every published package as `npm publish` would and checks the tarballs: exports resolve, types agree.
# Needs a build. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
export PATH="$PWD/node_modules/.bin:$PATH"
pnpm=$(npx -y pnpm@12.21.0 exec sh -c 'command -v pnpm') || exit 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0
for manifest in packages/*/package.json; do
  directory=$(dirname "$manifest")
  if grep -q '"private": true' "$manifest"; then continue; fi
  tarballs="$out/$(basename "$directory")"
  mkdir -p "$tarballs"
  if (cd "$directory" && "$pnpm" pack --pack-destination "$tarballs") >"$tarballs/log" 2>&1 &&
    publint run --strict "$tarballs"/*.tgz >>"$tarballs/log" 2>&1 &&
    attw --profile esm-only "$tarballs"/*.tgz >>"$tarballs/log" 2>&1; then
    passed=$((passed + 1))
    echo "$directory: packed, publint and attw have no complaint"
  else
    failed=$((failed + 1))
    echo "$directory: not fit to publish"
    cat "$tarballs/log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
