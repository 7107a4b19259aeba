import { contextFromObjects, kubernetesContext } from "@assay/sources/cluster";
import { queuedScan } from "@assay/sources/fleet";
import { rekorLogs } from "@assay/sources/rekor";
import { tufTrust } from "@assay/sources/trust";
import { expect, test } from "vitest";

const { signal } = new AbortController();
const secret = "s3cret";

/** What is told of an address with a user and a password, which are not. */
function told(answer: unknown): string {
  const text = answer instanceof Error ? answer.message : JSON.stringify(answer);
  expect(text).not.toContain(secret);
  return text;
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const call = (url: string) => ({ kind: "apiCall", method: "GET", url }) as const;

test.each<[string, (address: string) => Promise<unknown>, string]>([
  [
    "a service that is none",
    (address) => kubernetesContext().fetch<"apiCall">(call(`http://${address}:99999/check`), { signal }),
    "http://scan.example:99999/check",
  ],
  [
    "a service without a cluster",
    (address) => contextFromObjects([]).fetch<"apiCall">(call(`http://${address}/check`), { signal }),
    "GET http://scan.example/check",
  ],
  [
    "a log",
    (address) =>
      rekorLogs().fetch({ kind: "logEntries", url: `https://${address}`, entries: "[]" }, { signal }),
    "https://scan.example",
  ],
  [
    "a log that is none",
    (address) => rekorLogs().fetch({ kind: "logEntries", url: address, entries: "[]" }, { signal }),
    "`scan.example`",
  ],
  [
    "a Redis that is none",
    async (address) => {
      const scan = queuedScan({ redis: `${address}:6379`, items: [], key: String, signal });
      return scan.catch((error: unknown) => error);
    },
    "`scan.example:6379`",
  ],
  [
    "a TUF mirror without its root",
    async (address) => thrownBy(() => tufTrust({ mirror: `https://${address}/tuf` })),
    "`https://scan.example/tuf` needs its first `root.json`",
  ],
  [
    "a TUF mirror, which cannot be asked so",
    async (address) => thrownBy(() => tufTrust({ mirror: `https://${address}/tuf`, root: "{}" })),
    "`https://scan.example/tuf` cannot be asked with a user and a password",
  ],
])("the password in the address of %s is not told", async (_, ask, rest) => {
  expect(told(await ask(`robot:${secret}@scan.example`))).toContain(rest);
});
