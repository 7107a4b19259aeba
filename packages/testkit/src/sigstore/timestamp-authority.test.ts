import { SignedData } from "@peculiar/asn1-cms";
import { AsnConvert } from "@peculiar/asn1-schema";
import { TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp";
import { expect, test } from "vitest";
import { utf8 } from "../signing/encoding.ts";
import { createSigstore } from "./sigstore.ts";

const { timestampAuthority } = createSigstore();

/** What a response says of the time. */
function infoOf(response: Uint8Array): TSTInfo {
  const { timeStampToken } = AsnConvert.parse(response, TimeStampResp);
  if (timeStampToken === undefined) throw new Error("there is no token in the response");
  const { encapContentInfo } = AsnConvert.parse(timeStampToken.content, SignedData);
  return AsnConvert.parse(encapContentInfo.eContent?.single?.buffer ?? new ArrayBuffer(), TSTInfo);
}

test("no two timestamps have the same serial number, also of equal data at the same time", () => {
  const serials = Array.from({ length: 20 }, () => {
    const { serialNumber } = infoOf(timestampAuthority.timestamp(utf8("signature")));
    return Buffer.from(serialNumber).toString("hex");
  });
  expect(new Set(serials).size).toBe(20);
});
