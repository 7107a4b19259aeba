#!/usr/bin/env bash
# The admission webhook and the controller against a real kube-apiserver: etcd, kube-apiserver and kubectl are built
# from the Go module proxy (cached), no containers; assay is what the image of deploy/ runs. Exit 77: can't be had here, the last line
# says why.
set -uo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
command -v openssl >/dev/null || { echo "cluster lane: openssl is not on the path"; exit 77; }
binaries=$(bash scripts/lanes/cluster-build.sh 2>&1) || { echo "$binaries" | tail -n 1; exit 77; }
TURBO_TELEMETRY_DISABLED=1 npx -y pnpm@12.21.0 exec turbo run build --filter=assay --output-logs=errors-only >&2 || exit 1
exec node --conditions=assay:source packages/conformance/src/lanes/cluster/main.ts "$binaries"
