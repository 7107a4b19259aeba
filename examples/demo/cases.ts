/** One image put before one policy. */
export interface DemoCase {
  readonly image: string;
  /** What the image is. */
  readonly story: string;
  readonly expected: "allowed" | "denied";
}

/** One policy and the images that it decides about. */
export interface DemoChapter {
  readonly title: string;
  readonly policy: string;
  readonly cases: readonly DemoCase[];
  /** What the reader should take from it. */
  readonly lesson?: string;
  /** Judge as a validating webhook does, which cannot pin tags. */
  readonly validating?: boolean;
}

const keyImages = (verbatim: boolean): readonly DemoCase[] => [
  {
    image: "registry.example.com/signed:v1.2.3",
    story: "signed by the key; a custom attestation says exactly what the page asks for",
    expected: verbatim ? "allowed" : "denied",
  },
  {
    image: "registry.example.com/app:v1.2.3",
    story: "signed by the key; provenance as the SLSA generator really writes it",
    expected: verbatim ? "denied" : "allowed",
  },
  { image: "registry.example.com/unsigned:latest", story: "nobody signed it", expected: "denied" },
  { image: "registry.example.com/other-key:v1.2.3", story: "signed by another key", expected: "denied" },
  {
    image: "registry.example.com/copied:v1.2.3",
    story: "carries the signatures of app:v1.2.3, copied",
    expected: "denied",
  },
];

const keylessImages = (verbatim: boolean): readonly DemoCase[] => [
  {
    image: "ghcr.io/sigstore/by-the-letter:v1.2.3",
    story: "acme's workflow signed the image and, as the page wants, its own provenance",
    expected: verbatim ? "allowed" : "denied",
  },
  {
    image: "ghcr.io/sigstore/app:v1.2.3",
    story: "acme's workflow signed the image, the SLSA generator its provenance",
    expected: verbatim ? "denied" : "allowed",
  },
  {
    image: "ghcr.io/sigstore/stranger:v1.2.3",
    story: "the same, signed by a workflow of evil/app",
    expected: "denied",
  },
];

const prodImages = (verbatim: boolean): readonly DemoCase[] => [
  {
    image: "registry.example.com/prod/by-the-letter:v1.2.3",
    story: "provenance, SBOM and a scan of an hour ago, word for word as the page has them",
    expected: verbatim ? "allowed" : "denied",
  },
  {
    image: "registry.example.com/prod/app:v1.2.3",
    story: "the same three, as the SLSA generator and cosign really write them",
    expected: verbatim ? "denied" : "allowed",
  },
  {
    image: "registry.example.com/prod/stale:v1.2.3",
    story: "the same, scanned three days ago",
    expected: "denied",
  },
];

export const chapters: readonly DemoChapter[] = [
  {
    title: "the page's first policy, word for word",
    policy: "verify-image-signature.yaml",
    cases: [...keyImages(true), ...keylessImages(true)],
    lesson: `Read literally, this policy denies what the tools on the page make:
the generator's buildType is …/slsa-github-generator/container@v1, its builder.id ends in @refs/tags/v…,
and its provenance is signed by the generator's own identity, not by https://github.com/ORG/*.
(The page's workflow also hands the generator a commit id, \${{ github.sha }}, where an image digest belongs.)`,
  },
  {
    title: "the same policy, mended",
    policy: "verify-image-signature.working.yaml",
    cases: [...keyImages(false), ...keylessImages(false)],
  },
  {
    title: "the page's second policy, word for word",
    policy: "verify-multiple-attestations.yaml",
    cases: prodImages(true),
    lesson: `Read literally, this policy, too, denies the generator's buildType …/container@v1, and every scan that
\`cosign attest --type vuln\` attests: cosign drops scanner.name.`,
  },
  {
    title: "the same policy, mended",
    policy: "verify-multiple-attestations.working.yaml",
    cases: prodImages(false),
  },
  {
    title: "the page's first policy where nobody can pin tags: a validating webhook",
    policy: "verify-image-signature.yaml",
    validating: true,
    cases: [
      {
        image: "registry.example.com/signed:v1.2.3",
        story: "signed, but named by its tag",
        expected: "denied",
      },
      {
        image:
          "registry.example.com/signed@sha256:646486c5a3a4e0a0a957a86458642317cd907d028bde47f34717096129e08e7e",
        story: "the same image, named by its digest",
        expected: "allowed",
      },
    ],
  },
  {
    title: "images that the real cosign 3 signed and attested",
    policy: "made-by-cosign.yaml",
    cases: [
      {
        image: "registry.example.com/acme/key-att3:v1",
        story: "by key, with provenance",
        expected: "allowed",
      },
      {
        image: "registry.example.com/acme/kl-att3:v1",
        story: "keyless, logged in Rekor",
        expected: "allowed",
      },
      {
        image: "registry.example.com/acme/kl-evil:v1",
        story: "keyless, by another repository",
        expected: "denied",
      },
      { image: "registry.example.com/acme/key-other:v1", story: "by another key", expected: "denied" },
      { image: "registry.example.com/acme/unsigned:v1", story: "by nobody", expected: "denied" },
    ],
  },
];
