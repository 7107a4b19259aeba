import { ImageReferenceError, parseImageReference } from "@assay/image";
import type { Comparison } from "./comparison.ts";
import { damaged } from "./damaged.ts";

const digest = `sha256:${"0a".repeat(32)}`;
const texts = [
  ...["nginx", "nginx:1", "library/nginx", "docker.io/nginx", "docker.io:443/nginx", "docker.io/docker.io/a"],
  ...["docker.io/library/nginx:v1", "index.docker.io/acme/app", "registry-1.docker.io/library/a"],
  ...["ghcr.io/acme/app:v1", "GHCR.io/acme/app", "acme/app", "a/b/c", "a.b/c/d:e", "x--y/z__w.q", "host-/a"],
  ...["localhost/app", "localhost:5000/app", "Localhost/app", "myhost/app", "MYHOST/app", "https/app"],
  ...["1.2.3.4:80/a", "[::1]:5000/a", "a:latest", "latest", "a:80/b", "Nginx", "docker.io", "io.docker/x"],
  ...[`a@${digest}`, `a.io/b:t@${digest}`, `nginx@sha512:${"a".repeat(128)}`],
  ...[digest.slice(7), `${digest.slice(7)}:x`],
];
const scraps = [
  ..."/:.@-_Aa0 \n%[]KſéÅ?#\\",
  ...["__", ":80", ":v1", "//", "..", "docker.io/", "index.docker.io/", "library/", "localhost", "[::1]"],
  ...["https://", "xn--", "sha256:", `@${digest}`, "LATEST"],
];

/** Image names: what assay asks the registry for, and what a node pulls by the same name. */
export const references: Comparison = {
  name: "reference",
  sentence: "an image name is pulled from where assay asks for it, or it is refused",
  texts: damaged(texts, scraps),
  read(text) {
    try {
      const { registry, repository, tag, digest } = parseImageReference(text);
      // Kyverno takes such a first component for a registry, containerd for a part of Docker Hub's.
      if (registry.includes("_")) return { error: "a host with `_`" };
      const isHub = registry === "docker.io" || registry === "index.docker.io";
      const hub = {
        registry: "docker.io",
        repository: repository.includes("/") ? repository : `library/${repository}`,
      };
      return {
        value: {
          ...(isHub ? hub : { registry, repository }),
          ...(digest === undefined ? { tag } : { digest }),
        },
      };
    } catch (error) {
      if (error instanceof ImageReferenceError) return { error: error.message };
      throw error;
    }
  },
};
