#!/usr/bin/env bash
# Runs every example that has a `main.ts` from sources. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
export PATH="$PWD/node_modules/.bin:$PATH" NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
passed=0 failed=0
for example in examples/*/main.ts; do
  [ -e "$example" ] || continue
  if output=$(timeout 60 node --conditions=assay:source "$example" 2>&1 </dev/null); then
    passed=$((passed + 1))
    echo "$example: ran"
  else
    failed=$((failed + 1))
    printf '%s failed:\n%s\n' "$example" "$output"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
