import { parseImageReference } from "@assay/image";
import { describe, expect, test } from "vitest";
import { loadPolicies, selectImage } from "../index.ts";

const digest = `sha256:${"0".repeat(64)}`;
const entry = (references: string, skipped: string) => {
  const text = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
    - name: r
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages: [{imageReferences: ${references}, skipImageReferences: ${skipped}}]
`;
  const [found] = loadPolicies(text).policies[0]?.rules[0]?.verifyImages ?? [];
  if (found === undefined) throw new Error("nothing was loaded");
  return found;
};

describe("selectImage", () => {
  test.each([
    ['["docker.io/*"]', "[]", "nginx:1", "verify"],
    ['["ghcr.io/*"]', "[]", "nginx:1", "other"],
    ['["docker.io/*"]', '["*/nginx*"]', "nginx:1", "skip"],
    ['["docker.io/*"]', '["*/nginx:1"]', "nginx:1", "skip"],
    ['["docker.io/nginx:*"]', "[]", `nginx:1@${digest}`, "verify"],
    // The tag beside a digest says nothing about what runs: it selects, but releases nothing.
    ['["docker.io/*"]', '["*/nginx:1"]', `nginx:1@${digest}`, "verify"],
    ['["docker.io/*"]', `["*@${digest}"]`, `nginx:1@${digest}`, "skip"],
    // What no reference selects is not skipped but somebody else's.
    ['["ghcr.io/*"]', '["*"]', "nginx:1", "other"],
  ])("%s without %s: %s is %s", (references, skipped, image, wanted) => {
    expect(selectImage(entry(references, skipped), parseImageReference(image))).toBe(wanted);
  });
});
