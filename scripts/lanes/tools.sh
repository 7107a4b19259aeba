# Sourced by lanes: gets a tool into the lane cache once, and says in one line where it cannot be had.
COSIGN_VERSION=v3.1.2
GGCR_VERSION=v0.22.1
VAULT_VERSION=v1.21.0
VAULT_SDK_VERSION=v0.20.0
APIMACHINERY_VERSION=v0.36.3
REFERENCE_VERSION=v0.6.0
SIGSTORE_GO_VERSION=v1.3.0
LANE_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/assay-lanes"
mkdir -p "$LANE_CACHE/bin"

# Go's own tools may not fetch another toolchain: what is on the path has to do.
lane_go() { GOFLAGS=-mod=mod GOTOOLCHAIN=local GOBIN="$LANE_CACHE/bin" go "$@"; }

# Prints the path of Debian's docker-registry: the one on the path, or unpacked from the package, without installing it.
docker_registry() {
  if command -v docker-registry; then return; fi
  local root="$LANE_CACHE/docker-registry"
  if [ ! -x "$root/usr/bin/docker-registry" ]; then
    command -v apt-get >/dev/null || { echo "docker-registry is not installed and there is no apt-get" >&2; return 1; }
    rm -rf "$root.part" && mkdir -p "$root.part" || return 1
    (
      cd "$root.part" || exit 1
      apt-get download docker-registry || { apt-get update && apt-get download docker-registry; } || exit 1
      dpkg -x docker-registry_*.deb .
    ) >"$LANE_CACHE/docker-registry.log" 2>&1 || { echo "docker-registry could not be fetched by apt-get: $(tail -n 1 "$LANE_CACHE/docker-registry.log")" >&2; return 1; }
    rm -rf "$root" && mv "$root.part" "$root"
  fi
  echo "$root/usr/bin/docker-registry"
}

# Prints the path of the real cosign (about four minutes of two cores the first time).
cosign_binary() {
  local binary="$LANE_CACHE/bin/cosign"
  if [ ! -x "$binary" ]; then
    command -v go >/dev/null || { echo "go is not on the path, so the real cosign cannot be built" >&2; return 1; }
    lane_go install "github.com/sigstore/cosign/v3/cmd/cosign@$COSIGN_VERSION" >"$LANE_CACHE/cosign.log" 2>&1 ||
      { echo "cosign could not be built: $(tail -n 1 "$LANE_CACHE/cosign.log")" >&2; return 1; }
  fi
  echo "$binary"
}

# Prints the path of a program of scripts/lanes/, built once into a module of its own: NAME of the binary, its DIRECTORY
# there, WHAT messages call it, and the command that says which modules it requires.
go_program() {
  local binary="$LANE_CACHE/bin/$1" directory=$2 source="$LANE_CACHE/$2" what=$3
  shift 3
  if [ ! -x "$binary" ]; then
    command -v go >/dev/null || { echo "go is not on the path, so $what cannot be built" >&2; return 1; }
    mkdir -p "$source" && cp "scripts/lanes/$directory"/*.go "$source/" || return 1
    (
      cd "$source" || exit 1
      rm -f go.mod go.sum
      lane_go mod init "assay.test/$directory"
      "$@"
      lane_go build -o "$binary" .
    ) >"$source.log" 2>&1 || { echo "$what cannot be built: $(tail -n 1 "$source.log")" >&2; return 1; }
  fi
  echo "$binary"
}

# A registry with the referrers API, built around go-containerregistry's.
referrers_registry() {
  go_program referrers-registry referrers-registry "a registry with the referrers API" \
    lane_go get "github.com/google/go-containerregistry@$GGCR_VERSION"
}

# A Vault server with the transit engine alone (minutes of two cores the first time). Vault replaces its own SDK and a library
# of a library; a module that requires Vault has to say so again.
vault_transit() {
  go_program vault-transit vault-transit "a Vault" \
    lane_go mod edit -require="github.com/hashicorp/vault@$VAULT_VERSION" -require="github.com/hashicorp/vault/sdk@$VAULT_SDK_VERSION" -replace=github.com/99designs/keyring=github.com/Jeffail/keyring@v1.2.3
}

# NAME of a binary that is built anew when the program in that directory, or what it is built of, changes.
go_program_name() {
  echo "$1-$(cat "scripts/lanes/$1/main.go" scripts/lanes/tools.sh | cksum | cut -d ' ' -f 1)"
}

# A program that reads manifests and image names as Kubernetes and containerd do.
go_readers() {
  go_program "$(go_program_name go-readers)" go-readers "Kubernetes' readers" \
    lane_go get "k8s.io/apimachinery@$APIMACHINERY_VERSION" "github.com/distribution/reference@$REFERENCE_VERSION"
}

# A program that verifies bundles by sigstore-go (about a minute of two cores the first time).
go_verifiers() {
  go_program "$(go_program_name go-verifiers)" go-verifiers "sigstore-go" \
    lane_go get "github.com/sigstore/sigstore-go@$SIGSTORE_GO_VERSION"
}
