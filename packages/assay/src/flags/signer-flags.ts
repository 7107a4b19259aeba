import { type Command, Option } from "commander";
import { AssayError } from "../assay-error.ts";
import { type ImageQuestion, isKeyReference, type Signer } from "../image-question.ts";
import { readTextFile } from "../inputs/input-files.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { collect, splitPair } from "./evaluation-flags.ts";
import { exactPattern } from "./exact-pattern.ts";

/** Who is expected to have signed: cosign's flag names. */
export interface SignerFlags {
  readonly key?: string;
  readonly certificateIdentity?: string;
  readonly certificateIdentityRegexp?: string;
  readonly certificateOidcIssuer?: string;
  readonly certificateOidcIssuerRegexp?: string;
  readonly certificate?: string;
  readonly certificateChain?: string;
  readonly annotations: readonly string[];
  readonly insecureIgnoreTlog?: boolean;
  readonly insecureIgnoreSct?: boolean;
  readonly timestampCertificateChain?: string;
  readonly signatureDigestAlgorithm?: "sha256" | "sha384" | "sha512";
}

const MAX_PEM = 1024 * 1024;

/** Adds the flags of `SignerFlags`. */
export function addSignerFlags(command: Command): Command {
  return command
    .option(
      "--key <file>",
      "public key: a PEM file (of several keys in it one suffices), or awskms:// gcpkms:// azurekms:// hashivault:// k8s://",
    )
    .option(
      "--certificate-identity <id>",
      "exact identity in the certificate, e.g. a workflow's URL or an e-mail address",
    )
    .option(
      "--certificate-identity-regexp <re2>",
      "the same as a regular expression; unanchored, as in cosign",
    )
    .option("--certificate-oidc-issuer <url>", "exact issuer of the identity")
    .option("--certificate-oidc-issuer-regexp <re2>", "the same as a regular expression; unanchored")
    .option("--certificate <file>", "certificate of an own PKI that must have signed")
    .option("--certificate-chain <file>", "chain that the certificate must end in")
    .option(
      "-a, --annotations <key=value>",
      "annotation that the signature must carry; repeatable",
      collect,
      [],
    )
    .option("--insecure-ignore-tlog", "accept signatures that no transparency log vouches for")
    .option("--insecure-ignore-sct", "accept certificates that no certificate log vouches for")
    .option("--timestamp-certificate-chain <file>", "chain of a timestamp authority whose time counts")
    .addOption(
      new Option("--signature-digest-algorithm <name>", "digest algorithm of a key's signatures").choices([
        "sha256",
        "sha384",
        "sha512",
      ]),
    );
}

/** The question that the flags ask. Throws `usage` where they name no signer, or several. */
export async function questionOf(flags: SignerFlags, terminal: Terminal): Promise<ImageQuestion> {
  const { timestampCertificateChain: timestamps, signatureDigestAlgorithm } = flags;
  return {
    ...(await signerOf(flags, terminal)),
    tlog: flags.insecureIgnoreTlog === true ? "ignore" : "require",
    sct: flags.insecureIgnoreSct === true ? "ignore" : "require",
    ...(flags.annotations.length === 0
      ? {}
      : {
          annotations: Object.fromEntries(flags.annotations.map((pair) => splitPair(pair, "--annotations"))),
        }),
    ...(timestamps === undefined
      ? {}
      : { timestampChain: await readTextFile(timestamps, terminal.cwd, MAX_PEM) }),
    ...(signatureDigestAlgorithm === undefined ? {} : { signatureAlgorithm: signatureDigestAlgorithm }),
  };
}

async function signerOf(flags: SignerFlags, terminal: Terminal): Promise<Signer> {
  const keyless = [
    flags.certificateIdentity,
    flags.certificateIdentityRegexp,
    flags.certificateOidcIssuer,
    flags.certificateOidcIssuerRegexp,
  ].some((flag) => flag !== undefined);
  const certificates = flags.certificate !== undefined || flags.certificateChain !== undefined;
  const count = [flags.key !== undefined, keyless, certificates].filter(Boolean).length;
  if (count !== 1) {
    throw new AssayError(
      "usage",
      count === 0 ? "nobody is named who should have signed" : "several kinds of signers are named",
      {
        hint: "give --key FILE, or --certificate-identity ID with --certificate-oidc-issuer URL, or --certificate FILE",
      },
    );
  }
  if (flags.key !== undefined) return { key: await readKey(flags.key, terminal) };
  return keyless ? identityOf(flags) : certificateOf(flags, terminal);
}

/** PEM text, or the reference itself where it names a KMS key or a Secret. */
export async function readKey(key: string, terminal: Terminal): Promise<string> {
  if (isKeyReference(key)) return key;
  const pem = await readTextFile(key, terminal.cwd, MAX_PEM);
  if (/^-----BEGIN (RSA )?PUBLIC KEY-----\s[\s\S]+-----END (RSA )?PUBLIC KEY-----$/.test(pem.trim()))
    return pem;
  throw new AssayError("invalidKey", `\`${key}\` holds no public key`, { hint: whatItIs(pem) });
}

function whatItIs(pem: string): string {
  if (pem.includes("PRIVATE KEY"))
    return "that is a private key: verify with the public one (cosign.pub), and keep this one to yourself";
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return "that is a certificate: give it as --certificate";
  if (/^(ssh|ecdsa)-/.test(pem))
    return "that is a key of SSH: give one that is PEM, as cosign writes cosign.pub";
  if (pem.includes("PUBLIC KEY-----")) {
    return "it is damaged or cut off: it must hold all from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----";
  }
  return "it must hold -----BEGIN PUBLIC KEY-----, as cosign generate-key-pair writes cosign.pub";
}

function identityOf(flags: SignerFlags): Signer {
  const subject = exact(flags.certificateIdentity, flags.certificateIdentityRegexp, "--certificate-identity");
  const issuer = exact(
    flags.certificateOidcIssuer,
    flags.certificateOidcIssuerRegexp,
    "--certificate-oidc-issuer",
  );
  return {
    identity: {
      ...("text" in subject ? { subject: subject.text } : { subjectRegExp: subject.regexp }),
      ...("text" in issuer ? { issuer: issuer.text } : { issuerRegExp: issuer.regexp }),
    },
  };
}

/**
 * A policy's `subject` is a wildcard and may hold variables, cosign's flag is neither: a text that could mean more than
 * itself is handed on as an anchored regular expression.
 */
function exact(
  text: string | undefined,
  regexp: string | undefined,
  flag: string,
): { readonly text: string } | { readonly regexp: string } {
  if (text !== undefined && regexp !== undefined)
    throw new AssayError("usage", `give ${flag} or ${flag}-regexp, not both`);
  if (text === undefined && regexp === undefined) {
    throw new AssayError("usage", `${flag} is missing`, {
      hint: "an identity is a name and who vouches for it: give both",
    });
  }
  if (regexp !== undefined) return { regexp };
  const plain = text ?? "";
  if (plain === "") throw new AssayError("usage", `${flag} is empty`);
  if (!/[*?{}$\\]/.test(plain)) return { text: plain };
  return { regexp: exactPattern(plain) };
}

async function certificateOf(flags: SignerFlags, terminal: Terminal): Promise<Signer> {
  const read = (file: string): Promise<string> => readTextFile(file, terminal.cwd, MAX_PEM);
  return {
    ...(flags.certificate === undefined ? {} : { certificate: await read(flags.certificate) }),
    ...(flags.certificateChain === undefined ? {} : { certificateChain: await read(flags.certificateChain) }),
  };
}
