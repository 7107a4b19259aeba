#!/usr/bin/env bash
# Makes the playground's samples: records of real images that the real cosign signed.
set -euo pipefail
cd "$(dirname "$0")/.."
fixtures=packages/conformance/cases/fixtures
sample() { # NAME POLICY RESOURCE
  node --conditions=assay:source packages/assay/src/cli.ts record "$fixtures/policies/$2.yaml" --resource "$fixtures/resources/$3.yaml" \
    --layout "$fixtures/images/tags" --trusted-root "$fixtures/trust/trusted_root.json" --now 2026-11-23T12:00:00Z --out "docs/public/samples/$1.json" || [ $? = 1 ]
}
sample key-and-three-attestations att3 key-att3-5001-tag
sample wrong-key key key-other-5001-tag
sample condition-false att3-bad key-att3-5001-tag
sample keyless kl kl-sig-5001-tag
