/** The handler that `admissionHandler` makes. */
export type Handle = (request: Request) => Promise<Response>;

/** A server that mounted it, on loopback. */
export interface Mounted {
  readonly url: string;
  close(): Promise<void>;
}
