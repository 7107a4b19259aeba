#!/usr/bin/env bash
# Builds etcd, kube-apiserver and kubectl from the Go module proxy into the lane cache, once.
# Prints the directory that holds them; exits 1 with one line on stderr when they can't be had.
# Go modules only: no container runtime, no download of binaries.
set -euo pipefail
KUBERNETES=1.36.3
ETCD=3.6.8
cache="${XDG_CACHE_HOME:-$HOME/.cache}/assay-lanes/cluster-$KUBERNETES"
if [ -x "$cache/etcd" ] && [ -x "$cache/kube-apiserver" ] && [ -x "$cache/kubectl" ]; then
  echo "$cache"
  exit 0
fi
command -v go >/dev/null || { echo "cluster lane: go is not on the path" >&2; exit 1; }
mkdir -p "$cache/module"
cd "$cache/module"
{
  rm -f go.mod go.sum
  go mod init assay.test/cluster
  go mod edit -go="$(go env GOVERSION | sed 's/^go//')" -require="k8s.io/kubernetes@v$KUBERNETES"
  manifest=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
  # kubernetes names its staging repositories by path; v1.N.P is published as v0.N.P.
  sed -n 's#^[[:space:]]*\(k8s.io/[^ ]*\) => ./staging/.*#\1#p' "$manifest" | while read -r module; do
    go mod edit -replace="$module=$module@v0.${KUBERNETES#1.}"
  done
  godebug=$(sed -n 's/^godebug default=\(.*\)$/\1/p' "$manifest")
  [ -z "$godebug" ] || go mod edit -godebug="default=$godebug"
  go get "go.etcd.io/etcd/server/v3@v$ETCD" "k8s.io/kubernetes/cmd/kube-apiserver@v$KUBERNETES" "k8s.io/kubernetes/cmd/kubectl@v$KUBERNETES"
  v=k8s.io/component-base/version
  flags="-s -w -X $v.gitVersion=v$KUBERNETES -X $v.gitMajor=1 -X $v.gitMinor=36 -X $v.gitTreeState=clean -X $v.gitCommit=0 -X $v.buildDate=2026-01-01T00:00:00Z"
  build() { go build -p 2 -trimpath -ldflags "$flags" -o "$cache/$1.part" "$2" && mv "$cache/$1.part" "$cache/$1"; }
  build etcd go.etcd.io/etcd/server/v3
  build kubectl k8s.io/kubernetes/cmd/kubectl
  build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
} >"$cache/build.log" 2>&1 || { echo "cluster lane: building failed, see $cache/build.log: $(tail -n 1 "$cache/build.log")" >&2; exit 1; }
echo "$cache"
