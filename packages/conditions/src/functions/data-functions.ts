import { Buffer, isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { ImageReferenceError, matchText, parseImageReference } from "@assay/image";
import { ConditionError, wrongType } from "../condition-error.ts";
import { parseGoJson } from "../go/go-json.ts";
import { formatNumber } from "../go/go-number.ts";
import { cleanPath } from "../go/go-path.ts";
import { sortedKeys } from "../go/go-text.ts";
import { satisfiesRange } from "../go/semver.ts";
import { isObject, own, setOwn, type Value, type ValueObject } from "../json.ts";
import { checkList, spend, spendOutput } from "../limits.ts";
import { decodeCertificate } from "../x509/x509.ts";
import { deepEqual, type Evaluation, type Item, markMapList } from "./evaluation.ts";
import { isExternalUrl } from "./external-url.ts";
import type { ArgumentType, FunctionEntry } from "./function-table.ts";
import { randomText } from "./random-text.ts";
import { looseText } from "./text-functions.ts";
import { parseGoYaml } from "./yaml.ts";

// Kyverno's functions on data, encodings and references (pkg/engine/jmespath/functions.go).

const string: readonly ArgumentType[] = ["string"];
const array: readonly ArgumentType[] = ["array"];
const object: readonly ArgumentType[] = ["object"];
const objectOrArray: readonly ArgumentType[] = ["object", "array"];

function labelMatch([labels, candidate]: readonly Item[], evaluation: Evaluation): Item {
  return Object.entries(labels as ValueObject).every(([key, value]) => {
    const found = own(candidate as ValueObject, key);
    return found !== undefined && deepEqual(found, value, evaluation);
  });
}

function lookup([from, key]: readonly Item[]): Item {
  if (isObject(from)) {
    if (typeof key !== "string") throw wrongType("`lookup` in an object takes a string as key");
    return own(from, key) ?? null;
  }
  if (typeof key !== "number") throw wrongType("`lookup` in a list takes a number as index");
  if (!Number.isInteger(key) || Math.abs(key) >= 2 ** 63) {
    throw new ConditionError(`\`${formatNumber(key)}\` is no index of a list`, { code: "badArgument" });
  }
  return (from as readonly Value[])[key] ?? null;
}

function items([from, keyName, valueName]: readonly Item[], { budget }: Evaluation): Item {
  const entries: readonly (readonly [Value, Value])[] = isObject(from)
    ? sortedKeys(from).map((key) => [key, from[key] as Value])
    : (from as readonly Value[]).map((value, index) => [index, value]);
  checkList(budget, entries.length);
  const list = entries.map(([key, value]) => {
    const item: Record<string, Value> = {};
    setOwn(item, keyName as string, key);
    setOwn(item, valueName as string, value);
    return item;
  });
  return markMapList(list);
}

function objectFromLists([keys, values]: readonly Item[], { budget }: Evaluation): Item {
  checkList(budget, (keys as readonly Value[]).length);
  const made: Record<string, Value> = {};
  (keys as readonly Value[]).forEach((key, index) => {
    if (key === null || typeof key === "object")
      throw wrongType("`object_from_lists` takes a list of texts as keys");
    setOwn(made, looseText(key), (values as readonly Value[])[index] ?? null);
  });
  return made;
}

/**
 * Base64 with padding, as Go's StdEncoding: line breaks are ignored, everything else must fit. Bytes that are no UTF-8
 * are refused: text cannot hold them here, and whatever stood for them would make different bytes equal.
 */
function base64Decode([text]: readonly Item[], { budget }: Evaluation): Item {
  const compact = (text as string).replace(/[\r\n]/g, "");
  spendOutput(budget, compact.length);
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    throw new ConditionError("the text is no base64", { code: "badBase64" });
  }
  const bytes = Buffer.from(compact, "base64");
  if (!isUtf8(bytes)) throw new ConditionError("the decoded bytes are no text", { code: "unsupported" });
  return bytes.toString("utf8");
}

function base64Encode([text]: readonly Item[], { budget }: Evaluation): Item {
  spendOutput(budget, (text as string).length * 2);
  return Buffer.from(text as string, "utf8").toString("base64");
}

function hash(algorithm: "sha256" | "sha1" | "md5"): FunctionEntry {
  return {
    takes: [string],
    call: ([text], { budget }) => {
      spend(budget, (text as string).length >> 5);
      return createHash(algorithm)
        .update(text as string, "utf8")
        .digest("hex");
    },
  };
}

function imageNormalize([text]: readonly Item[]): Item {
  try {
    return matchText(parseImageReference(text as string));
  } catch (cause) {
    if (!(cause instanceof ImageReferenceError)) throw cause;
    throw new ConditionError(cause.message, { code: "badImage" }, cause);
  }
}

/** Name → function. */
export const dataFunctions: ReadonlyMap<string, FunctionEntry> = new Map<string, FunctionEntry>([
  ["label_match", { takes: [object, object], call: labelMatch }],
  ["lookup", { takes: [objectOrArray, ["string", "number"]], plainLists: "error", call: lookup }],
  ["items", { takes: [objectOrArray, string, string], plainLists: "error", call: items }],
  ["object_from_lists", { takes: [array, array], plainLists: "error", call: objectFromLists }],
  ["parse_json", { takes: [string], call: ([text], { budget }) => parseLimited(text as string, budget) }],
  ["parse_yaml", { takes: [string], call: ([text], { budget }) => parseGoYaml(text as string, budget) }],
  ["base64_decode", { takes: [string], call: base64Decode }],
  ["base64_encode", { takes: [string], call: base64Encode }],
  ["sha256", hash("sha256")],
  ["sha1", hash("sha1")],
  ["md5", hash("md5")],
  [
    "path_canonicalize",
    { takes: [string], call: ([path]) => (path === "" ? "" : cleanPath(path as string)) },
  ],
  [
    "semver_compare",
    {
      takes: [string, string],
      call: ([version, range], { budget }) => {
        spend(budget, (version as string).length);
        return satisfiesRange(version as string, range as string);
      },
    },
  ],
  ["image_normalize", { takes: [string], call: imageNormalize }],
  ["is_external_url", { takes: [string], call: ([url]) => isExternalUrl(url as string) }],
  ["random", { takes: [string], call: ([pattern], evaluation) => randomText(pattern as string, evaluation) }],
  ["x509_decode", { takes: [string], call: ([pem], { budget }) => decodeCertificate(pem as string, budget) }],
]);

function parseLimited(text: string, budget: Evaluation["budget"]): Value {
  spendOutput(budget, text.length);
  return parseGoJson(text, budget.limits.depth);
}
