import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hasWildcard, imageVariables, matchText, parseImageReference, wildcardMatch } from "./index.ts";

// Cases of Kyverno's own unit tests (kyverno/kyverno at 111e07b, Apache-2.0), each under its original name.

interface MatchCase {
  readonly name: string;
  readonly pattern: string;
  readonly text: string;
  readonly matched: boolean;
}
const matchFile = new URL("../testdata/kyverno-match-test.json", import.meta.url);
const matchCases: { readonly cases: readonly MatchCase[] } = JSON.parse(readFileSync(matchFile, "utf8"));

describe("ext/wildcard/match_test.go TestMatch", () => {
  test.each(matchCases.cases)("$name", ({ pattern, text, matched }) => {
    expect(wildcardMatch(pattern, text)).toBe(matched);
  });
});

describe("ext/wildcard/utils_test.go TestContainsWildcard", () => {
  test.each([
    ["no wildcard", "name", false],
    ["empty string", "", false],
    ["contains * at the end", "name*", true],
    ["contains * at the beginning", "*name", true],
    ["contains * in the middle", "start*end", true],
    ["only *", "*", true],
    ["contains ? at the end", "name?", true],
    ["contains ? at the beginning", "?name", true],
    ["contains ? in the middle", "start?end", true],
    ["only ?", "?", true],
    ["both * and ?", "*name?", true],
  ])("%s", (_, text, wanted) => {
    expect(hasWildcard(text)).toBe(wanted);
  });
});

const centos = "sha256:dead07b4d8ed7e29e98de0f4504d87e8880d4347859d839686a31da35a3b532f";

describe("pkg/utils/image/infos_test.go", () => {
  test.each([
    ["nginx", "nginx", "nginx", "docker.io", "latest", "", "docker.io/nginx:latest", "docker.io", true],
    ["nginx:v10.3", "nginx", "nginx", "docker.io", "v10.3", "", "docker.io/nginx:v10.3", "docker.io", true],
    [
      "docker.io/test/nginx:v10.3",
      "nginx",
      "test/nginx",
      "docker.io",
      "v10.3",
      "",
      "docker.io/test/nginx:v10.3",
      "docker.io",
      true,
    ],
    [
      "test/nginx",
      "nginx",
      "test/nginx",
      "docker.io",
      "latest",
      "",
      "docker.io/test/nginx:latest",
      "docker.io",
      true,
    ],
    [
      "localhost:4443/test/nginx",
      "nginx",
      "test/nginx",
      "localhost:4443",
      "latest",
      "",
      "localhost:4443/test/nginx:latest",
      "docker.io",
      true,
    ],
    [
      `docker.io/test/centos@${centos}`,
      "centos",
      "test/centos",
      "docker.io",
      "",
      centos,
      `docker.io/test/centos@${centos}`,
      "docker.io",
      true,
    ],
    ["test/nginx", "nginx", "test/nginx", "gcr.io", "latest", "", "gcr.io/test/nginx:latest", "gcr.io", true],
    ["test/nginx", "nginx", "test/nginx", "", "latest", "", "test/nginx:latest", "gcr.io", false],
  ])(
    "Test_GetImageInfo %s",
    (raw, name, path, registry, tag, digest, text, defaultRegistry, enableDefaultRegistryMutation) => {
      const image = parseImageReference(raw, { defaultRegistry, enableDefaultRegistryMutation });
      expect(imageVariables(image)).toMatchObject({ name, path, registry, tag, digest });
      expect(matchText(image)).toBe(text);
    },
  );
  test.each([
    ["nginx", "docker.io/nginx:latest", "docker.io/nginx:latest"],
    ["nginx:v10.3", "docker.io/nginx:v10.3", "docker.io/nginx:v10.3"],
    ["docker.io/test/nginx:v10.3", "docker.io/test/nginx:v10.3", "docker.io/test/nginx:v10.3"],
    ["test/nginx", "docker.io/test/nginx:latest", "docker.io/test/nginx:latest"],
    ["localhost:4443/test/nginx", "localhost:4443/test/nginx:latest", "localhost:4443/test/nginx:latest"],
    [`docker.io/test/centos@${centos}`, `docker.io/test/centos@${centos}`, "docker.io/test/centos:"],
  ])("Test_ReferenceAndReferenceWithTag %s", (input, reference, referenceWithTag) => {
    expect(imageVariables(parseImageReference(input))).toMatchObject({ reference, referenceWithTag });
  });
  test("Test_ParseError ++", () => {
    expect(() => parseImageReference("++")).toThrow("invalid reference format");
  });
  test.each([
    ["test.io", "docker.io/test/nginx:v10.4", "docker.io/test/nginx:v10.4"],
    ["docker.io", "test/nginx:v10.3", "docker.io/test/nginx:v10.3"],
    ["myregistry.io", "test/nginx:v10.6", "myregistry.io/test/nginx:v10.6"],
    ["docker.io", "localhost/netd:v0.4.4-gke.0", "localhost/netd:v0.4.4-gke.0"],
    ["docker.io", "myregistry.org/test/nginx:v10.3", "myregistry.org/test/nginx:v10.3"],
    ["docker.io", `test/centos@${centos}`, `docker.io/test/centos@${centos}`],
    [
      "123456789012.dkr.ecr.eu-west-3.amazonaws.com/docker",
      "test/nginx:v10.3",
      "123456789012.dkr.ecr.eu-west-3.amazonaws.com/docker/test/nginx:v10.3",
    ],
  ])("Test_addDefaultRegistry %s %s", (defaultRegistry, input, wanted) => {
    expect(matchText(parseImageReference(input, { defaultRegistry }))).toBe(wanted);
  });
});

describe("pkg/engine/utils/image_test.go TestImageMatches", () => {
  test.each([
    ["exact match", "nginx:latest", ["nginx:latest"], true],
    ["wildcard match", "nginx:latest", ["nginx:*"], true],
    ["registry match", "ghcr.io/repo/img:v1", ["ghcr.io/*"], true],
    ["no match", "redis:6", ["nginx:*"], false],
    ["multiple patterns", "busybox:1.36", ["nginx:*", "busybox:*"], true],
    ["empty patterns", "nginx:latest", [], false],
  ])("%s", (_, image, patterns, wanted) => {
    expect(patterns.some((pattern) => wildcardMatch(pattern, image))).toBe(wanted);
  });
});
