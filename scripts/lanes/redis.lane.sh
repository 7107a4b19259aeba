#!/usr/bin/env bash
# Scans by several workers on Debian's real redis-server, one worker killed midway, then Redis; the shared cache on it.
set -u
cd "$(dirname "$0")/../.." || exit 2
. scripts/lanes/tools.sh

# Prints the path of redis-server: the one on the path, or unpacked from Debian's packages, without installing it.
redis_server() {
  if command -v redis-server; then return; fi
  local root="$LANE_CACHE/redis-server"
  if [ ! -x "$root/redis-server" ]; then
    command -v apt-get >/dev/null || { echo "redis-server is not installed and there is no apt-get" >&2; return 1; }
    rm -rf "$root.part" && mkdir -p "$root.part" || return 1
    (
      cd "$root.part" || exit 1
      # In Debian, redis-server is a name of a program in redis-tools.
      apt-get download redis-tools libjemalloc2 liblzf1 || { apt-get update && apt-get download redis-tools libjemalloc2 liblzf1; } || exit 1
      for package in ./*.deb; do dpkg -x "$package" . || exit 1; done
      ln -s redis-check-rdb usr/bin/redis-server
    ) >"$LANE_CACHE/redis-server.log" 2>&1 || { echo "redis-server could not be fetched by apt-get: $(tail -n 1 "$LANE_CACHE/redis-server.log")" >&2; return 1; }
    rm -rf "$root" && mv "$root.part" "$root"
    local libraries
    libraries=$(find "$root/usr/lib" "$root/lib" -name 'lib*.so.*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/bin/redis-server "$@"\n' "$libraries" "$root" >"$root/redis-server"
    chmod +x "$root/redis-server"
  fi
  "$root/redis-server" --version >/dev/null || { echo "Debian's redis-server does not run here" >&2; return 1; }
  echo "$root/redis-server"
}

ASSAY_REDIS_SERVER=$(redis_server) || exit 77
export ASSAY_REDIS_SERVER
export PATH="$PWD/node_modules/.bin:$PATH"
cd packages/sources || exit 2
exec node --conditions=assay:source --disable-warning=ExperimentalWarning bench/fleet.ts "${ASSAY_SCAN_IMAGES:-2000}"
