/** The handler that `admissionHandler` makes. */
export type Handle = (request: Request) => Promise<Response>;

/** A server that mounted it, on loopback. */
export interface Mounted {
  readonly url: string;
  close(): Promise<void>;
}

/** What the recipes are asked about. */
export const unsignedPod: object = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "app", image: "registry.example.com/acme/unsigned:v1" }] },
};

interface Answer {
  readonly allowed: boolean;
  readonly status: { readonly message: string };
}

/** What an API server says of an object that is to be created. */
export function requestAbout(object: object): object {
  const kind = { group: "", version: "v1", kind: "Pod" };
  return { uid: "1", kind, operation: "CREATE", object };
}

/** Asks as an API server does. */
export async function post(url: string, object: object): Promise<Answer> {
  const request = requestAbout(object);
  const body = JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body });
  const review = (await answer.json()) as { readonly response: Answer };
  return review.response;
}
