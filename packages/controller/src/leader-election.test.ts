import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type ApiServer, apiServer } from "../test/api-server.ts";
import { electLeader } from "./leader-election.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Candidate {
  /** Waits until it leads, or no longer does. */
  leads(expected: boolean): Promise<void>;
  /** How often it began to lead. */
  terms(): number;
  /** When it last ceased to lead. */
  ended(): number;
  stop(): Promise<void>;
}

async function server(): Promise<ApiServer> {
  const api = await apiServer();
  ends.push(() => api.close());
  return api;
}

/** Stands for election under a Lease of one second. */
function candidate(
  { config }: ApiServer,
  identity: string,
  lead: () => Promise<void> = async () => {},
): Candidate {
  const stop = new AbortController();
  let [leading, begun, ended] = [false, 0, 0];
  const running = electLeader(
    config,
    { namespace: "assay", identity, leaseSeconds: 1 },
    async (signal) => {
      begun++;
      leading = true;
      signal.addEventListener("abort", () => {
        leading = false;
        ended = Date.now();
      });
      await lead();
    },
    stop.signal,
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  ends.push(end);
  return {
    leads: (expected) => expect.poll(() => leading).toBe(expected),
    terms: () => begun,
    ended: () => ended,
    stop: end,
  };
}

describe("of several processes one leads", () => {
  test("another takes over as soon as the leader stops", async () => {
    const api = await server();
    const first = candidate(api, "first");
    await first.leads(true);
    const second = candidate(api, "second");
    await sleep(500);
    expect(second.terms()).toBe(0);
    await first.stop();
    await second.leads(true);
  });

  test("a leader whose API server hangs stops leading before another may take over", async () => {
    const api = await server();
    const first = candidate(api, "first");
    await first.leads(true);
    api.hangLeases(true);
    await first.leads(false);
    const renewed = Date.parse(api.lease("assay-controller")?.spec?.renewTime ?? "");
    expect(first.ended() - renewed).toBeLessThan(1000);
    api.hangLeases(false);
    await first.leads(true);
  });

  test("an answer 500 in between ends no term", async () => {
    const api = await server();
    const first = candidate(api, "first");
    await first.leads(true);
    api.failLease();
    await sleep(1500);
    await first.leads(true);
    expect(first.terms()).toBe(1);
  });

  test("a holder whose clock is an hour behind keeps the Lease that it renews", async () => {
    const api = await server();
    const held = { holderIdentity: "slow", leaseDurationSeconds: 1 };
    const renew = (): void =>
      api.putLease("assay-controller", {
        ...held,
        renewTime: new Date(Date.now() - 3_600_000).toISOString(),
      });
    renew();
    const timer = setInterval(renew, 200);
    const other = candidate(api, "other");
    await sleep(2000);
    expect(other.terms()).toBe(0);
    clearInterval(timer);
    await other.leads(true);
  });

  test("a Lease that another took meanwhile is left to it", async () => {
    const api = await server();
    const lease = () => api.lease("assay-controller")?.spec;
    const first = candidate(api, "first");
    await first.leads(true);
    await first.stop();
    expect(lease()?.holderIdentity).toBe("");

    const second = candidate(api, "second");
    await second.leads(true);
    const renewTime = new Date().toISOString();
    api.putLease("assay-controller", { holderIdentity: "third", leaseDurationSeconds: 60, renewTime });
    await second.leads(false);
    await second.stop();
    expect(lease()).toMatchObject({ holderIdentity: "third", renewTime });
  });

  test("what led and failed is run anew", async () => {
    const api = await server();
    const first = candidate(api, "first", () => Promise.reject(new Error("broken")));
    await expect.poll(() => first.terms()).toBeGreaterThan(1);
  });
});
