#!/usr/bin/env bash
# Makes the playground's samples: records of real images that the real cosign signed.
set -euo pipefail
cd "$(dirname "$0")/.."
fixtures=packages/conformance/cases/fixtures
# The fixtures are JSON; people read and write YAML.
policies=$(mktemp -d)
trap 'rm -rf "$policies"' EXIT
yaml() { # FILE
  (cd docs && node --input-type=module -e '
    import { readFileSync } from "node:fs";
    import { stringify } from "yaml";
    process.stdout.write(stringify(JSON.parse(readFileSync(process.argv[1], "utf8")), { lineWidth: 0 }));' "../$1")
}
sample() { # NAME POLICY RESOURCE
  local record="$PWD/docs/public/samples/$1.json" root=$PWD
  yaml "$fixtures/policies/$2.yaml" >"$policies/policy.yaml"
  (
    cd "$policies"
    node --conditions=assay:source "$root/packages/assay/src/cli.ts" record policy.yaml --resource "$root/$fixtures/resources/$3.yaml" \
      --layout "$root/$fixtures/images/tags" --trusted-root "$root/$fixtures/trust/trusted_root.json" --now 2026-11-23T12:00:00Z --out "$record"
  ) || [ $? = 1 ]
}
sample key-and-three-attestations att3 key-att3-5001-tag
sample wrong-key key key-other-5001-tag
sample condition-false att3-bad key-att3-5001-tag
sample keyless kl kl-sig-5001-tag
