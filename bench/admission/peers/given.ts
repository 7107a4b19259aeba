import { readFileSync } from "node:fs";
import type { Given } from "../options.ts";
import type { Peer } from "./peer.ts";

/** A webhook that runs already, registered and configured by whoever started it. */
export function givenPeer({ url, ca, pid, namespace }: Given): Peer {
  return {
    name: "webhook",
    about: url,
    url,
    ca: readFileSync(ca, "utf8"),
    namespace,
    ...(pid !== undefined && { pid }),
    register: async () => {},
  };
}
