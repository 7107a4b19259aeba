#!/usr/bin/env bash
# Real registry processes on loopback, the real cosign and a real Vault against assay. Binds 127.0.0.1:5001, :5002, :8201 and two free ports.
set -u
cd "$(dirname "$0")/../.." || exit 2
. scripts/lanes/tools.sh
ASSAY_DOCKER_REGISTRY=$(docker_registry) || exit 77
# Without these three the lane is smaller, and says so above its checks.
ASSAY_REFERRERS_REGISTRY=$(referrers_registry) || echo "not run: everything that needs a registry with the referrers API"
ASSAY_COSIGN=$(cosign_binary) || echo "not run: everything that needs the real cosign"
ASSAY_VAULT=$(vault_transit) || echo "not run: everything that needs a real Vault"
export ASSAY_DOCKER_REGISTRY ASSAY_REFERRERS_REGISTRY ASSAY_COSIGN ASSAY_VAULT
export PATH="$PWD/node_modules/.bin:$PATH" NODE_OPTIONS="${NODE_OPTIONS:-} --disable-warning=ExperimentalWarning"
node --conditions=assay:source packages/conformance/src/interop/main.ts
