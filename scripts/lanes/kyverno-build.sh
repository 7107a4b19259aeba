#!/usr/bin/env bash
# Builds Kyverno's admission controller from the Go module proxy into the lane cache, once, with the CRDs its module holds.
# Prints the directory with `kyverno` and `crds/`; exits 1 with one line on stderr when they can't be had.
# --built: only where that was done before.
# Go modules only: no container runtime, no download of binaries.
set -euo pipefail
KYVERNO=1.19.1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/assay-lanes/kyverno-$KYVERNO"
if [ -x "$cache/kyverno" ] && [ -d "$cache/crds" ]; then
  echo "$cache"
  exit 0
fi
if [ "${1:-}" = --built ]; then
  echo "kyverno: it is not built; \`bash scripts/lanes/kyverno-build.sh\` builds it from source, which takes many minutes" >&2
  exit 1
fi
command -v go >/dev/null || { echo "kyverno: go is not on the path" >&2; exit 1; }
mkdir -p "$cache"
{
  source=$(go mod download -json "github.com/kyverno/kyverno@v$KYVERNO" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
  # Built as its own main module: `go install` refuses a module with `replace`, and this way its go.sum pins everything.
  rm -rf "$cache/module" "$cache/crds"
  cp -r "$source" "$cache/module"
  chmod -R u+w "$cache/module"
  flags="-s -w -X github.com/kyverno/kyverno/pkg/version.BuildVersion=v$KYVERNO"
  (cd "$cache/module" && GOTOOLCHAIN=local CGO_ENABLED=0 go build -p 2 -trimpath -buildvcs=false -ldflags "$flags" -o "$cache/kyverno.part" ./cmd/kyverno)
  mkdir -p "$cache/crds"
  for group in kyverno policies.kyverno.io policyreport reports; do cp -r "$cache/module/config/crds/$group" "$cache/crds/$group"; done
  rm -rf "$cache/module"
  mv "$cache/kyverno.part" "$cache/kyverno"
} >"$cache/build.log" 2>&1 || { echo "kyverno: building failed, see $cache/build.log: $(tail -n 1 "$cache/build.log")" >&2; exit 1; }
echo "$cache"
