import { hasWildcard, wildcardMatch } from "@assay/image";
import type { ImageVerification, Policy } from "../model.ts";
import { type At, found, type Linting } from "./report-finding.ts";

const hex = "0".repeat(64);

/** Which images an entry selects, and which slip past. */
export function checkImages(linting: Linting, at: At): void {
  for (const entry of at.rule?.verifyImages ?? []) {
    const here: At = { ...at, path: entry.path };
    checkReferences(linting, here, entry);
    checkSkipped(linting, here, entry);
    if (entry.attestors.length + entry.attestations.length === 0) {
      found(linting, "nothing-verified", here, {
        message: "the entry has neither attestors nor attestations",
      });
    }
    if (!entry.required && !linting.policies.some(coversAll)) {
      const message = "`required: false`, and no loaded policy verifies all images";
      found(
        linting,
        "required-false-without-catch-all",
        { ...here, path: `${entry.path}.required` },
        { message },
      );
    }
    if (entry.registryCredentials?.allowInsecureRegistry === true) {
      const path = `${entry.path}.imageRegistryCredentials.allowInsecureRegistry`;
      found(
        linting,
        "insecure-registry",
        { ...here, path },
        { message: "plain http and unknown certificates are allowed" },
      );
    }
  }
}

function checkReferences(linting: Linting, at: At, entry: ImageVerification): void {
  for (const [index, pattern] of entry.imageReferences.entries()) {
    const here: At = { ...at, path: `${entry.path}.imageReferences[${index}]` };
    const never = whyNever(pattern);
    if (never !== undefined) {
      found(linting, "reference-never-matches", here, {
        message: `\`${pattern}\` matches no image: ${never}`,
      });
      continue;
    }
    const { name, form } = tail(pattern);
    const sample = name.replaceAll("*", "x").replaceAll("?", "x");
    const covers = (text: string): boolean => entry.imageReferences.some((one) => wildcardMatch(one, text));
    if (form === "tag" && !covers(`${sample}@sha256:${hex}`)) {
      const message = `\`${pattern}\` does not match the image by digest: \`${sample}@sha256:…\``;
      found(linting, "references-miss-digests", here, { message });
    }
    if (form === "digest" && !covers(`${sample}:v1`)) {
      const message = `\`${pattern}\` does not match the image by tag: \`${sample}:v1\``;
      found(linting, "references-miss-tags", here, { message });
    }
  }
}

/** What the pattern asks for behind the repository's name. A wildcard at the end covers every form. */
function tail(pattern: string): { readonly name: string; readonly form: "any" | "tag" | "digest" } {
  const at = pattern.indexOf("@");
  if (at >= 0) return { name: pattern.slice(0, at).replace(/:[^/:]*$/, ""), form: "digest" };
  const colon = pattern.lastIndexOf(":");
  if (colon <= pattern.lastIndexOf("/")) return { name: pattern, form: "any" };
  return { name: pattern.slice(0, colon), form: "tag" };
}

function whyNever(pattern: string): string | undefined {
  if (/[[\]{}!()]/.test(pattern) && !/^\[[0-9a-fA-F:]+\]/.test(pattern)) {
    return "only `*` and `?` are wildcards, brackets and `!` are themselves";
  }
  if (/[^\x20-\x7e]/.test(pattern)) return "images are written in ASCII, and this is not, however it looks";
  if (/[\s,;]/.test(pattern)) return "images have no spaces, and a pattern is one image's";
  if (/^(?:https?|docker|oci):\/\//.test(pattern)) return "images have no scheme";
  const slash = pattern.indexOf("/");
  const first = slash < 0 ? pattern : pattern.slice(0, slash);
  if (hasWildcard(first))
    return slash < 0 && !first.startsWith("*") && !first.startsWith("?") ? noRegistry(pattern) : undefined;
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (slash < 0 || !isHost) return noRegistry(pattern);
  if (/[A-Z]/.test(first)) return "registries are written in lower case";
  if (/[A-Z]/.test(pattern.slice(slash).replace(/:[^/]*$/, ""))) return "repository names are lower-case";
  // Without a wildcard the form must be complete: an image always has a tag or a digest.
  return hasWildcard(pattern) || tail(pattern).form !== "any"
    ? undefined
    : "images have a tag or digest: add `*` or `:*`";
}

function noRegistry(pattern: string): string {
  return `images are matched with their registry, as \`docker.io/${pattern}\``;
}

function checkSkipped(linting: Linting, at: At, entry: ImageVerification): void {
  for (const [index, pattern] of entry.skipImageReferences.entries()) {
    const star = pattern.search(/[*?]/);
    const before = pattern.slice(0, Math.max(star, 0));
    const isHost = !before.includes("/");
    const owner = before.split("/").length === 2;
    if (star < 0 || !/[\w.-]$/.test(before) || !(isHost || owner)) continue;
    const message = `\`${pattern}\` also skips what only begins with \`${before}\``;
    found(
      linting,
      "skip-open-prefix",
      { ...at, path: `${entry.path}.skipImageReferences[${index}]` },
      { message },
    );
  }
}

function coversAll(policy: Policy): boolean {
  return policy.rules.some((rule) =>
    rule.verifyImages.some(
      (entry) =>
        entry.required &&
        entry.attestors.length + entry.attestations.length > 0 &&
        entry.imageReferences.some((pattern) => /^\*+$/.test(pattern)),
    ),
  );
}
