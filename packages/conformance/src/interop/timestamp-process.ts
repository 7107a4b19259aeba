// Timestamp authorities as a process of its own, on loopback: the lane waits for each command, and could not answer it
// meanwhile. Prints one line of JSON (`TimestampLine`) when they serve.
import { createSigstore, type TrustedRootJson } from "@assay/testkit";
import { listen } from "@assay/testkit/parts";

/** What the process prints. */
export interface TimestampLine {
  /** Where the authority answers; its clock shows yesterday's time. */
  readonly url: string;
  /** Where another one does, which no trust root names. */
  readonly strangerUrl: string;
  /** The authority as a trust root has it. */
  readonly authority: TrustedRootJson["timestampAuthorities"][number] | undefined;
}

const clock = (): Date => new Date(Date.now() - 86_400_000);
const [known, stranger] = [createSigstore({ clock }), createSigstore({ clock })];
const server = await listen(known.timestampAuthority.handle);
const other = await listen(stranger.timestampAuthority.handle);
const { timestampAuthorities } = JSON.parse(known.trustedRoot()) as TrustedRootJson;
const path = "/api/v1/timestamp";
const line: TimestampLine = {
  url: `${server.url}${path}`,
  strangerUrl: `${other.url}${path}`,
  authority: timestampAuthorities[0],
};
process.stdout.write(`${JSON.stringify(line)}\n`);
