#!/usr/bin/env bash
# Switches every guard of the kernel off in turn: the tests that guards.json names for it must fail then.
set -u
cd "$(dirname "$0")/../.." || exit 2
export PATH="$PWD/node_modules/.bin:$PATH" NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
node packages/verify/scripts/mutate-guards.ts
