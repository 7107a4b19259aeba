// Writes the packages' version into deploy/, which names the image by it. Run after `changeset version`: see RELEASING.md.
import { readFileSync, writeFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync("packages/assay/package.json", "utf8"));
const places: readonly (readonly [file: string, line: RegExp])[] = [
  ["deploy/base/kustomization.yaml", /(?<=^ {4}newTag: ).*$/m],
  ["deploy/Dockerfile", /(?<=^ARG ASSAY_VERSION=).*$/m],
];
for (const [file, line] of places) {
  const text = readFileSync(file, "utf8");
  if (!line.test(text)) throw new Error(`${file} names no version`);
  writeFileSync(file, text.replace(line, version));
}
