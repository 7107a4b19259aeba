import {
  BasicConstraints,
  ExtendedKeyUsage,
  GeneralName,
  KeyUsage,
  KeyUsageFlags,
  OtherName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
} from "@peculiar/asn1-x509";
import { utf8 } from "../signing/encoding.ts";
import { hashBytes } from "../signing/signing-key.ts";
import { buffer, der, encode, TAG } from "./der.ts";

/** One certificate extension, its value in DER. */
export interface ExtensionSpec {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}

/** A subject alternative name. `raw` gives the bytes of the IA5String itself, for names that are not text. */
export type AlternativeName =
  | { readonly kind: "uri" | "email" | "dns" | "other"; readonly value: string }
  | { readonly kind: "ip"; readonly value: string }
  | { readonly kind: "raw"; readonly tag: "uri" | "email" | "dns"; readonly value: Uint8Array };

/** What a certificate may be used for, and whom it names. */
export interface UsageSpec {
  /** An authority, and how many more may stand below it. Default: none, an end entity. */
  readonly authority?: { readonly pathLength?: number } | false;
  /** Default: `digitalSignature`, for authorities `keyCertSign` and `cRLSign`. Empty: no extension. */
  readonly keyUsage?: readonly (keyof typeof KeyUsageFlags)[];
  /** OIDs or the names below. Default: none. */
  readonly extendedKeyUsage?: readonly string[];
  readonly extendedKeyUsageCritical?: boolean;
  readonly alternativeNames?: readonly AlternativeName[];
  readonly key: { readonly spki: Uint8Array };
}

const USAGES: Readonly<Record<string, string>> = {
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  serverAuth: "1.3.6.1.5.5.7.3.1",
};

/** The extensions that a specification asks for, in the order that Fulcio writes them. */
export function standardExtensions(spec: UsageSpec, issuerSpki: Uint8Array): readonly ExtensionSpec[] {
  const { authority = false, extendedKeyUsage = [], alternativeNames = [] } = spec;
  const keyUsage =
    spec.keyUsage ??
    (authority === false ? (["digitalSignature"] as const) : (["keyCertSign", "cRLSign"] as const));
  const flags = keyUsage.reduce((bits, name) => bits | KeyUsageFlags[name], 0);
  const identifier = keyIdentifier(spec.key.spki);
  return [
    ...(keyUsage.length === 0
      ? []
      : [{ oid: "2.5.29.15", critical: true, value: encode(new KeyUsage(flags)) }]),
    ...(extendedKeyUsage.length === 0
      ? []
      : [usageExtension(extendedKeyUsage, spec.extendedKeyUsageCritical)]),
    ...(authority === false ? [] : [constraintsExtension(authority.pathLength)]),
    { oid: "2.5.29.14", value: encode(new SubjectKeyIdentifier(buffer(identifier))) },
    { oid: "2.5.29.35", value: der(TAG.sequence, der(0x80, keyIdentifier(issuerSpki))) },
    ...(alternativeNames.length === 0 ? [] : [namesExtension(alternativeNames)]),
  ];
}

function keyIdentifier(spki: Uint8Array): Uint8Array {
  return hashBytes(spki).slice(0, 20);
}

function usageExtension(usages: readonly string[], critical = false): ExtensionSpec {
  const oids = usages.map((usage) => (Object.hasOwn(USAGES, usage) ? (USAGES[usage] ?? usage) : usage));
  return { oid: "2.5.29.37", critical, value: encode(new ExtendedKeyUsage(oids)) };
}

function constraintsExtension(pathLength: number | undefined): ExtensionSpec {
  const limit = pathLength === undefined ? {} : { pathLenConstraint: pathLength };
  return { oid: "2.5.29.19", critical: true, value: encode(new BasicConstraints({ cA: true, ...limit })) };
}

function namesExtension(names: readonly AlternativeName[]): ExtensionSpec {
  if (names.every((name) => name.kind !== "raw"))
    return {
      oid: "2.5.29.17",
      critical: true,
      value: encode(new SubjectAlternativeName(names.map(generalName))),
    };
  const tags = { email: 0x81, dns: 0x82, uri: 0x86 };
  const encoded = names.map((name) =>
    name.kind === "raw" ? der(tags[name.tag], name.value) : encode(generalName(name)),
  );
  return { oid: "2.5.29.17", critical: true, value: der(TAG.sequence, ...encoded) };
}

/** The OID under which Fulcio puts user names: an otherName with a UTF8String. */
const FULCIO_OTHER_NAME = "1.3.6.1.4.1.57264.1.7";

function generalName(name: AlternativeName): GeneralName {
  switch (name.kind) {
    case "uri":
      return new GeneralName({ uniformResourceIdentifier: name.value });
    case "email":
      return new GeneralName({ rfc822Name: name.value });
    case "dns":
      return new GeneralName({ dNSName: name.value });
    case "ip":
      return new GeneralName({ iPAddress: name.value });
    case "other": {
      const value = buffer(der(TAG.utf8String, utf8(name.value)));
      return new GeneralName({ otherName: new OtherName({ typeId: FULCIO_OTHER_NAME, value }) });
    }
    case "raw":
      return new GeneralName({ uniformResourceIdentifier: Buffer.from(name.value).toString("latin1") });
  }
}
