import type { Store } from "./store.ts";

/** How a registry behaves, apart from faults. */
export interface RouteOptions {
  /** Off: `GET …/referrers/…` answers 404, so that clients use the fallback tag. */
  readonly referrersApi: boolean;
  /** Descriptors per page of a referrers list or tags per page of a tags list. */
  readonly pageSize: number;
  /** Largest request body that is taken, in bytes. */
  readonly maxUploadBytes: number;
}

/** One request, taken apart. */
export interface Route {
  readonly request: Request;
  readonly url: URL;
  readonly repository: string;
  /** A tag, a digest or an upload's id. */
  readonly reference: string;
  readonly store: Store;
  readonly options: RouteOptions;
}
