import {
  type Handler,
  image,
  type LogEntry,
  type Signer,
  type SignOptions,
  type TestImage,
} from "@assay/testkit";
import { type EngineJudged, judgePod, type WorldOptions, world } from "./engine-world.ts";
import { policyKey, sigstore } from "./world.ts";

const { rekor } = sigstore;

/** An image whose signature lost its entry, and the entry. */
interface LoggedImage {
  readonly made: TestImage;
  readonly entry: LogEntry;
}

/** What is asked of the log, where it is asked. */
export const RETRIEVE: string = `${rekor.baseUrl}/api/v1/log/entries/retrieve`;
const LOG_HOST = new URL(rekor.baseUrl).host;
const BUNDLE = "dev.sigstore.cosign/bundle";

/** Signed, and logged unless `log` says otherwise, but the annotation that would hold the entry is gone. */
export function unannotated(signer: Signer = policyKey, options: SignOptions = {}): TestImage {
  return image().signedBy(signer, { log: rekor, ...options, edit: { ...options.edit, ...withoutEntry } });
}

/** Takes the log entry off a layer. */
export const withoutEntry: NonNullable<SignOptions["edit"]> = {
  layerAnnotations: ({ [BUNDLE]: _, ...annotations }) => annotations,
};

/** YAML of the policy's key, whose signatures must be in the log. */
export function loggedKeyYaml(
  rekorYaml = `{ url: "${rekor.baseUrl}" }`,
  pem: string = policyKey.pem,
): string {
  return `{ keys: { publicKeys: ${JSON.stringify(pem)}, rekor: ${rekorYaml} } }`;
}

/** YAML of the workflow of acme/app. */
export const KEYLESS: string = `{ keyless: { subject: "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main", issuer: "https://token.actions.githubusercontent.com", rekor: { url: "${rekor.baseUrl}" } } }`;

/** Judges one image; the log may be asked, and `log` is what answers under its name. */
export async function judgeWith(
  log: Handler,
  made: TestImage = unannotated(),
  options: WorldOptions = {},
): Promise<EngineJudged> {
  const registry = world();
  const { byDigest } = made.pushTo(registry);
  return await judgePod(registry, byDigest, {
    attestors: loggedKeyYaml(),
    logLookup: "whenMissing",
    ...options,
    hosts: { [LOG_HOST]: log, ...options.hosts },
  });
}

/** The entry that the log made of a signature, and the image that lost it. */
export function entryOf(
  options: Parameters<typeof unannotated>[1] = {},
  signer: Parameters<typeof unannotated>[0] = policyKey,
): LoggedImage {
  const entries: LogEntry[] = [];
  const keep = (entry: LogEntry): LogEntry => {
    entries.push(entry);
    return entry;
  };
  const made = unannotated(signer, {
    logEvidence: "promise",
    ...options,
    edit: { ...options.edit, entry: keep },
  });
  const [entry] = entries;
  if (entry === undefined) throw new Error("nothing was logged");
  return { made, entry };
}

/** A log that answers this, whatever it is asked. */
export function answering(body: unknown, init: ResponseInit = {}): Handler {
  return async () => (typeof body === "string" ? new Response(body, init) : Response.json(body, init));
}

/** Everything that was asked of anybody but the registry. */
export function askedElsewhere({ asked }: EngineJudged): readonly string[] {
  return asked.filter((url) => !url.startsWith("https://registry.example.com/"));
}
