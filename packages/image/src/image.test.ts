import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  hasWildcard,
  ImageReferenceError,
  imagePattern,
  imageVariables,
  matchesDigestForm,
  matchText,
  parseDigest,
  parseImageReference,
  pinnedText,
  repositoryName,
  selects,
  tagText,
  wildcardMatch,
} from "./index.ts";

const hex = "128c6e3534b842a2eec139999b8ce8aa9a2af9907e2b9269550809d18cd832a3";
const digest = parseDigest(`sha256:${hex}`);

interface RecordedCase {
  readonly id: string;
  readonly fn: string;
  readonly image: string;
  readonly pattern: string;
  readonly text: string;
  readonly patterns: readonly string[];
  readonly cfg?: { readonly defaultRegistry?: string; readonly enableDefaultRegistryMutation?: boolean };
  readonly want: { readonly value: unknown; readonly string?: string; readonly error?: string };
}

function recorded(name: string, fn: string): readonly RecordedCase[] {
  const file = new URL(`../../conformance/cases/kyverno/${name}.json`, import.meta.url);
  const table: { readonly cases: readonly RecordedCase[] } = JSON.parse(readFileSync(file, "utf8"));
  return table.cases.filter((one) => one.fn === fn);
}

// Recorded from Kyverno 1.19.1's own code.
describe("as Kyverno", () => {
  test.each(recorded("image-refs", "imageInfo"))("$id parses `$image`", ({ image, cfg, want }) => {
    if (want.error !== undefined) {
      expect(() => parseImageReference(image, cfg)).toThrow(ImageReferenceError);
    } else {
      const reference = parseImageReference(image, cfg);
      expect(imageVariables(reference)).toEqual(want.value);
      expect(matchText(reference)).toBe(want.string);
    }
  });
  test.each(recorded("wildcards", "match"))("$id `$pattern` ~ `$text`", ({ pattern, text, want }) => {
    expect(wildcardMatch(pattern, text)).toBe(want.value);
  });
  test.each(recorded("wildcards", "containsWildcard"))("$id `$text` has a wildcard", ({ text, want }) => {
    expect(hasWildcard(text)).toBe(want.value);
  });
  test.each(recorded("wildcards", "imageMatches"))("$id `$image` in $patterns", (one) => {
    if (one.want.error !== undefined) {
      expect(() => parseImageReference(one.image, one.cfg)).toThrow(ImageReferenceError);
      return;
    }
    const reference = parseImageReference(one.image, one.cfg);
    expect(one.patterns.some((pattern) => matchesDigestForm(pattern, reference))).toBe(one.want.value);
  });
});

// Recorded from Kyverno 1.19.1: what its ConfigMap's `defaultRegistry` may be.
describe("the configured registry", () => {
  test.each([
    ["ghcr.io", "ghcr.io/org/app:latest"],
    ["ghcr.io/mirror", "ghcr.io/mirror/org/app:latest"],
    ["my_registry", "my_registry/org/app:latest"],
    ["localhost", "localhost/org/app:latest"],
    ["10.0.0.1", "docker.io/org/app:latest"],
    ["010.0.0.1", "010.0.0.1/org/app:latest"],
    ["ghcr.io:443", "docker.io/org/app:latest"],
    [`${"a".repeat(64)}.io`, "docker.io/org/app:latest"],
    ["", "docker.io/org/app:latest"],
  ])("`%s` makes `org/app` into `%s`", (defaultRegistry, text) => {
    expect(matchText(parseImageReference("org/app", { defaultRegistry }))).toBe(text);
  });

  test.each(["Bad_Reg", "ghcr.io."])("`%s` makes every short name invalid", (defaultRegistry) => {
    expect(() => parseImageReference("org/app", { defaultRegistry })).toThrow("bad image");
  });
});

describe("what a typing mistake is answered with", () => {
  test.each([
    ["", "empty", 0, "it is empty"],
    ["docker://nginx", "badFormat", 0, "leave out `docker://`, references have no scheme"],
    ["ghcr.io/org/app ", "badFormat", 15, "it has a space at offset 15"],
    ["$(IMAGE)", "badFormat", 0, "a variable that was not replaced"],
    ["ghcr.io/org/*", "badFormat", 12, "`*` belongs into patterns"],
    ["ghcr.io/Org/app", "upperCase", 8, "write `org`"],
    ["ghcr.io//app", "badRepository", 8, "a path segment is empty at offset 8"],
    ["nginx/", "badRepository", 6, "a path segment is empty at offset 6"],
    ["ghcr.io/a+b", "badRepository", 9, "`+` at offset 9 may not stand in a repository name"],
    ["a___b", "badRepository", 1, "a separator in the wrong place"],
    ["ghcr..io/a", "badRegistry", 0, "`ghcr..io` is not a registry host"],
    ["my_reg:5000/a", "badRegistry", 2, "`my_reg:5000` is not a registry host"],
    ["nginx:", "badTag", 6, "the tag after `:` is empty"],
    ["nginx:.1", "badTag", 6, "`.` at offset 6 may not begin a tag"],
    ["nginx:1+2", "badTag", 7, "`+` at offset 7 may not stand in a tag"],
    ["nginx:😀", "badTag", 6, "`😀` at offset 6"],
    ["nginx@sha256:abc", "badDigest", 13, "has 3 hex digits, sha256 has 64"],
    ["nginx@deadbeef", "badDigest", 6, "has no algorithm: write `sha256:`"],
    [`nginx@sha256:${hex.toUpperCase()}`, "badDigest", 16, "an upper-case hex digit"],
    [`nginx@md5:${hex}`, "unsupportedDigest", 6, "use sha256, sha384 or sha512"],
    ["registry.example.com/unsigned@sha256:abc123...", "badDigest", 43, "`.`, which is no hex digit"],
    ["a".repeat(256), "badRepository", 0, "must not be more than 255 characters"],
    ["a".repeat(4000), "tooLong", 2048, "at most 2048 are read"],
  ])("%.60s: %s at %i", (text, code, offset, says) => {
    expect(() => parseImageReference(text)).toThrow(expect.objectContaining({ code, offset, text }));
    expect(() => parseImageReference(text)).toThrow(says);
  });
  test("a message holds no line breaks or control characters of the text", () => {
    expect(() => parseImageReference("a\nb\u202e\u001b[31m")).toThrow(
      "bad image `a\\u{a}b\\u{202e}\\u{1b}[31m`",
    );
  });
});

describe("a reference with tag and digest", () => {
  const reference = parseImageReference(`ghcr.io/org/app:v1@${digest}`);
  test("keeps both, and is frozen", () => {
    expect(reference).toMatchObject({ registry: "ghcr.io", repository: "org/app", tag: "v1", digest });
    expect(Object.isFrozen(reference)).toBe(true);
  });
  test("is written in four forms", () => {
    expect(repositoryName(reference)).toBe("ghcr.io/org/app");
    expect(matchText(reference)).toBe(`ghcr.io/org/app@${digest}`);
    expect(tagText(reference)).toBe("ghcr.io/org/app:v1");
    expect(pinnedText(parseImageReference("nginx"), digest)).toBe(`docker.io/nginx:latest@${digest}`);
    expect(pinnedText(parseImageReference(`nginx@${digest}`), digest)).toBe(`docker.io/nginx@${digest}`);
  });
  test.each([
    ["ghcr.io/org/app:*", true, false],
    ["ghcr.io/org/app:v1", true, false],
    ["ghcr.io/org/app@sha256:*", true, true],
    ["ghcr.io/org/*", true, true],
    ["ghcr.io/org/app:v1@sha256:*", false, false],
    ["docker.io/*", false, false],
  ])("`%s` selects it: %s, relaxes it: %s", (pattern, selected, relaxed) => {
    expect(selects(pattern, reference)).toBe(selected);
    expect(matchesDigestForm(pattern, reference)).toBe(relaxed);
  });
  // Each is pulled from where the pattern's own images are.
  test.each([
    ["GHCR.io/org/app:v1", "ghcr.io/org/*"],
    ["ghcr.io:443/org/app:v1", "ghcr.io/org/*"],
    ["Ghcr.IO:443/org/app@DIGEST", "ghcr.io/org/*"],
    ["index.docker.io/acme/app:v1", "docker.io/acme/*"],
    ["registry-1.docker.io/library/nginx:1", "docker.io/nginx:*"],
    ["docker.io/library/nginx", "docker.io/nginx:latest"],
    ["nginx", "docker.io/library/*"],
    ["docker.io/acme/app", "index.docker.io/acme/*"],
    ["ghcr.io/org/app", "ghcr.io:443/org/*"],
    ["ghcr.io:0443/org/app", "ghcr.io/org/*"],
    ["registry.example.com:05000/app", "registry.example.com:5000/*"],
    ["[2001:DB8:0:0:0:0:0:1]:5000/app", "[2001:db8::1]:5000/*"],
    ["[0:0::1]/app", "[::1]:443/*"],
  ])("%s does not slip past `%s`, and is not let go by it", (text, pattern) => {
    const image = parseImageReference(text.replace("DIGEST", digest));
    expect(selects(pattern, image)).toBe(true);
    expect(matchesDigestForm(pattern, image)).toBe(false);
  });
  test.each([
    ["ghcr.io:8443/org/app:v1", "ghcr.io/org/*"],
    ["ghcr.io.evil.example/org/app:v1", "ghcr.io/org/*"],
    ["ghcr.io:8443/org/app:v1", "ghcr.io:443/org/*"],
    ["ghcr.io/library/nginx:1", "ghcr.io/nginx:*"],
    ["acme/app:1", "docker.io/library/*"],
    ["docker.io/library/a/nginx:1", "docker.io/a/nginx:*"],
  ])("%s is another image than `%s` means", (text, pattern) => {
    expect(selects(pattern, parseImageReference(text))).toBe(false);
  });
  test("a digest alone is not selected by a tag pattern", () => {
    expect(selects("docker.io/nginx:*", parseImageReference(`nginx@${digest}`))).toBe(false);
  });
});

describe("patterns", () => {
  // `path` syntax is minimatch: https://github.com/isaacs/minimatch
  test.each([
    ["registry.example.com/*", "registry.example.com/a:1", true, true],
    ["registry.example.com/*", "registry.example.com/a/b:1", true, false],
    ["registry.example.com/**", "registry.example.com/a/b:1", true, true],
    ["ghcr.io/{a,b}/x:1", "ghcr.io/a/x:1", false, false],
    ["ghcr.io/[ab]/x:1", "ghcr.io/a/x:1", false, true],
    ["!ghcr.io/*", "docker.io/x:1", false, false],
    ["ghcr.io/*", "ghcr.io/.hidden:1", true, true],
    ["#x", "#x", true, true],
    ["*", "ghcr.io/a/b:1", true, false],
  ])("`%s` ~ `%s`: kyverno %s, path %s", (pattern, text, kyverno, path) => {
    expect(imagePattern(pattern).matches(text)).toBe(kyverno);
    expect(imagePattern(pattern, { syntax: "path" }).matches(text)).toBe(path);
  });
});
