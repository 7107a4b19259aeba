// A Rekor as a process of its own, on loopback: the lane waits for each command, and could not answer it meanwhile.
// Prints one line of JSON (`RekorLine`) when it serves.
import { createSigstore, type TrustedRootJson } from "@assay/testkit";
import { listen } from "@assay/testkit/parts";

/** What the process prints. */
export interface RekorLine {
  /** Where the log answers. */
  readonly url: string;
  /** Where every search is answered with the first entry that was ever logged: genuine, and of something else. */
  readonly lyingUrl: string;
  /** The log as a trust root has it, but for its address. */
  readonly tlog: TrustedRootJson["tlogs"][number] | undefined;
}

const sigstore = createSigstore({ clock: () => new Date() });
let first: unknown;
const log = await listen(async (request) => {
  const answer = await sigstore.rekor.handle(request);
  if (answer.status === 201) first ??= await answer.clone().json();
  return answer;
});
const liar = await listen(async () => Response.json([first]));
const { tlogs } = JSON.parse(sigstore.trustedRoot()) as TrustedRootJson;
const line: RekorLine = { url: log.url, lyingUrl: liar.url, tlog: tlogs[0] };
process.stdout.write(`${JSON.stringify(line)}\n`);
