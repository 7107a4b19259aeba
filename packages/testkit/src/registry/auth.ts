import { checkOneOf } from "../testkit-error.ts";
import { json, refusal } from "./answer.ts";

/** Who may read and write. Absent: everybody. */
export type RegistryAuth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | {
      readonly kind: "bearer";
      /** Credentials that the token endpoint wants. Absent: it gives anonymous tokens. */
      readonly username?: string;
      readonly password?: string;
      /** Default: `/token` on the registry's own origin. */
      readonly realm?: string;
      /** Default: the registry's host. */
      readonly service?: string;
    };

/** Decides about one request: an answer ends it (a challenge, a token, a refusal), undefined lets it through. */
export type Gate = (request: Request) => Response | undefined;

/** The gate of a registry with these credentials. Tokens are bound to the repository and the actions that they were asked for. */
export function authGate(auth: RegistryAuth | undefined): Gate {
  if (auth === undefined) return () => undefined;
  checkOneOf(["basic", "bearer"], auth.kind ?? "", "kind of authentication");
  return auth.kind === "basic" ? basicGate(auth) : bearerGate(auth);
}

function basicGate(auth: { readonly username: string; readonly password: string }): Gate {
  const expected = basic(auth.username, auth.password);
  return (request) =>
    request.headers.get("authorization") === expected
      ? undefined
      : refusal(401, "UNAUTHORIZED", "authentication required", {
          "www-authenticate": 'Basic realm="registry"',
        });
}

function bearerGate(auth: Extract<RegistryAuth, { kind: "bearer" }>): Gate {
  const scopes = new Map<string, string>();
  return (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/token") return giveToken(request, auth, scopes);
    const repository = /^\/v2\/(.+?)\/(?:manifests|blobs|referrers|tags)\//.exec(url.pathname)?.[1] ?? "";
    const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    const scope = token === undefined ? undefined : scopes.get(token);
    const reads = request.method === "GET" || request.method === "HEAD";
    if (scope !== undefined && (repository === "" || covers(scope, repository, reads ? "pull" : "push")))
      return undefined;
    const realm = auth.realm ?? `${url.origin}/token`;
    const actions = reads ? "pull" : "pull,push";
    const wanted = repository === "" ? "" : `,scope="repository:${repository}:${actions}"`;
    return refusal(401, "UNAUTHORIZED", "authentication required", {
      "www-authenticate": `Bearer realm="${realm}",service="${auth.service ?? url.host}"${wanted}`,
    });
  };
}

/** Whether one of `repository:acme/app:pull,push …` allows it. */
function covers(scope: string, repository: string, action: "pull" | "push"): boolean {
  return scope.split(" ").some((one) => {
    const [, name, actions = ""] = /^repository:(.+):([^:]*)$/.exec(one) ?? [];
    const allowed = actions.split(",");
    return name === repository && (allowed.includes(action) || allowed.includes("*"));
  });
}

function giveToken(
  request: Request,
  auth: Extract<RegistryAuth, { kind: "bearer" }>,
  scopes: Map<string, string>,
): Response {
  const needed = auth.username === undefined ? undefined : basic(auth.username, auth.password ?? "");
  if (needed !== undefined && request.headers.get("authorization") !== needed)
    return refusal(401, "UNAUTHORIZED", "wrong username or password");
  const token = `token-${scopes.size + 1}`;
  scopes.set(token, new URL(request.url).searchParams.getAll("scope").join(" "));
  return json(200, { token, access_token: token, expires_in: 300 });
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
