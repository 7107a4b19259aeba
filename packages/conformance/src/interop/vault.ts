import { assayWith, freshImage, type Interop } from "./agreement.ts";
import { startServing } from "./processes.ts";

const ADDRESS = "127.0.0.1:8201";

/**
 * A real Vault keeps the key: the real cosign signs with it by `hashivault://`, assay reads the public half from its
 * transit engine. Who may not read it gets `error` with its reason, never "not signed".
 */
export async function checkVault(interop: Interop, binary: string): Promise<void> {
  const { checks, cosign } = interop;
  const vault = await startVault(binary);
  try {
    await vault.call("POST", "sys/mounts/transit", { type: "transit" });
    for (const type of ["ecdsa-p256", "rsa-3072"])
      await vault.call("POST", `transit/keys/release-${type}`, { type });
    await vault.call("POST", "transit/keys/other", { type: "ecdsa-p256" });
    const image = await freshImage(interop, "vault");
    const env = { VAULT_ADDR: `http://${ADDRESS}`, VAULT_TOKEN: vault.token };
    for (const type of ["ecdsa-p256", "rsa-3072"]) {
      const signed = cosign.signWith(image.byDigest, `hashivault://release-${type}`, env);
      checks.that(`cosign signs with Vault's ${type} key`, signed.status === 0, signed.output);
    }
    const asked = (sentence: string, { key, status, reason = "", more = {} }: Asked): void => {
      const flags = ["--key", `hashivault://${key}`, "--insecure-ignore-tlog"];
      const ended = assayWith({ ...env, ...more }, "verify", image.byTag, ...flags);
      checks.that(
        `Vault: ${sentence}: exit status ${status}${reason && ` (${reason})`}`,
        ended.status === status && ended.output.includes(reason),
        `exit status ${ended.status}: ${ended.output}`,
      );
    };
    const [ours, other] = ["release-ecdsa-p256", "other"];
    const mismatch = { status: 1, reason: "no matching signatures" };
    asked("the key that signed", { key: ours, status: 0 });
    asked("the RSA key that signed", { key: "release-rsa-3072", status: 0 });
    asked("another key", { key: other, ...mismatch });
    asked("a key that does not exist", { key: "nobody", status: 2, reason: "hashivault://nobody" });
    const token = { VAULT_TOKEN: "hvs.nonsense" };
    asked("a token that may not", { key: other, status: 2, reason: "unauthorized", more: token });
    const nowhere = { VAULT_ADDR: "http://127.0.0.1:8299" };
    asked("nobody there", { key: other, status: 2, reason: "could not be reached", more: nowhere });
    await vault.call("POST", `transit/keys/${ours}/rotate`, {});
    asked("a signature from before the key was rotated", { key: ours, ...mismatch });
    await vault.call("PUT", "sys/seal", {});
    asked("sealed", { key: other, status: 2, reason: "Vault is sealed" });
  } finally {
    vault.stop();
  }
}

/** What `assay verify` is asked, and what has to come of it. */
interface Asked {
  readonly key: string;
  readonly status: number;
  /** Words that the output must have. */
  readonly reason?: string;
  /** Other than what reaches Vault. */
  readonly more?: Readonly<Record<string, string>>;
}

interface Vault {
  readonly token: string;
  call(method: string, path: string, body: object): Promise<void>;
  stop(): void;
}

async function startVault(binary: string): Promise<Vault> {
  const { line: token, stop } = await startServing(binary, [ADDRESS]);
  return { token, call: (method, path, body) => call(token, method, path, body), stop };
}

async function call(token: string, method: string, path: string, body: object): Promise<void> {
  const answer = await fetch(`http://${ADDRESS}/v1/${path}`, {
    method,
    headers: { "x-vault-token": token },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok)
    throw new Error(`Vault answers ${method} ${path} with ${answer.status}: ${await answer.text()}`);
}
