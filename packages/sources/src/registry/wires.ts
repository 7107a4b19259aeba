import { isPrivateAddress } from "./addresses.ts";
import { nodeWire } from "./node-wire.ts";
import { secureContextsOf } from "./registry-fetch.ts";
import { fetchWire, type Wire } from "./wire.ts";

type Fetch = typeof globalThis.fetch;

/** What Node brought along; who has put another one in its place means that one. */
const nodesFetch = globalThis.fetch;
let shared: Wire | undefined;

/** What requests go out by, where the caller may have given a `fetch` of its own. Without one, connections are shared. */
export function wireOf(fetch: Fetch | undefined): Wire {
  if (fetch === undefined) return (request) => unlessReplaced(sharedWire)(request);
  const secureContextFor = secureContextsOf(fetch);
  return secureContextFor === undefined ? fetchWire(fetch) : nodeWire({ secureContextFor });
}

/**
 * What hosts that registries name are asked by: a wire that looks at the addresses it connects to. A `fetch` that was handed in
 * connects as it likes, and so does what the process has put in place of Node's: there the check of the name has to do.
 */
export function publicWireOf(
  fetch: Fetch | undefined,
  resolve: (hostname: string) => Promise<readonly string[]>,
): Wire {
  const secureContextFor = fetch === undefined ? undefined : secureContextsOf(fetch);
  if (fetch !== undefined && secureContextFor === undefined) return fetchWire(fetch);
  const checked = nodeWire({ secureContextFor, check: { resolve, refuses: isPrivateAddress } });
  return fetch === undefined ? (request) => unlessReplaced(() => checked)(request) : checked;
}

function sharedWire(): Wire {
  shared ??= nodeWire({});
  return shared;
}

/**
 * `ours`, unless the process sends its requests in a way of its own: by another `fetch`, or by a dispatcher
 * (`NODE_USE_ENV_PROXY`, undici's `setGlobalDispatcher`).
 */
function unlessReplaced(ours: () => Wire): Wire {
  const isReplaced = globalThis.fetch !== nodesFetch || hasForeignDispatcher();
  return isReplaced ? fetchWire(globalThis.fetch) : ours();
}

const dispatcherKeys = [Symbol.for("undici.globalDispatcher.1"), Symbol.for("undici.globalDispatcher.2")];
const ownDispatchers = new Set(["Agent", "Dispatcher1Wrapper"]);

function hasForeignDispatcher(): boolean {
  return dispatcherKeys.some((key) => {
    const dispatcher = (globalThis as { readonly [key: symbol]: object | undefined })[key];
    return dispatcher !== undefined && !ownDispatchers.has(dispatcher.constructor.name);
  });
}
