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
verb=${1:-}
shift || true
from_source() { node --conditions=assay:source "$@"; }

# Every package's `scripts/fuzz.ts`, each with FUZZ_SECONDS to spend, or FUZZ_INPUTS to try where a script counts them;
# exit code 0 means nothing was found.
fuzz() {
  local script passed=0 failed=0
  [ -n "${FUZZ_INPUTS:-}" ] || export FUZZ_SECONDS="${FUZZ_SECONDS:-20}"
  for script in packages/*/scripts/fuzz.ts; do
    [ -e "$script" ] || continue
    echo "-- $script"
    if from_source "$script"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

# Measures what is published, not its sources; `--kyverno` builds the API server and Kyverno where they are missing.
bench_admission() {
  case " $* " in *" --kyverno "*)
    echo "building etcd, kube-apiserver and Kyverno where they are missing..." >&2
    bash scripts/lanes/cluster-build.sh >/dev/null && bash scripts/lanes/kyverno-build.sh >/dev/null || return 1
    ;;
  esac
  TURBO_TELEMETRY_DISABLED=1 $PNPM exec turbo run build --filter=assay --output-logs=errors-only >&2
  # In place of this shell, so that a signal reaches it.
  exec node --conditions=assay:source bench/admission/main.ts "$@"
}

# Builds the API server and Kyverno where they are missing.
compare_kyverno() {
  local cluster kyverno
  echo "building etcd, kube-apiserver and Kyverno where they are missing..." >&2
  cluster=$(bash scripts/lanes/cluster-build.sh) && kyverno=$(bash scripts/lanes/kyverno-build.sh) || return 1
  # In place of this shell, so that a signal reaches it.
  exec node --conditions=assay:source packages/conformance/src/lanes/kyverno/main.ts --cluster="$cluster" --kyverno="$kyverno" "$@"
}

case "$verb" in
  test) exec vitest run "$@" ;;
  demo) from_source examples/demo/demo.ts "$@" ;;
  conformance) from_source packages/conformance/src/cli.ts "$@" ;;
  bench) from_source bench/main.ts "$@" ;;
  bench-packages)
    for script in packages/{conditions,engine,verify}/bench/*.ts packages/conformance/bench/large-attestation.ts; do
      echo "-- $script" && from_source "$script"
    done
    ;;
  compare-kyverno) compare_kyverno "$@" ;;
  compare-sigstore-go) exec bash scripts/lanes/verifiers.lane.sh --changes ;;
  bench-admission) bench_admission "$@" ;;
  fuzz) fuzz ;;
  *)
    echo "usage: run.sh test|demo|conformance|bench|bench-packages|bench-admission|compare-kyverno|compare-sigstore-go|fuzz" >&2
    exit 2
    ;;
esac
