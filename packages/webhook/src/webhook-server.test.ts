import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import type { Evaluator } from "@assay/engine";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { TlsServer } from "./tls-server.ts";
import { createWebhookServer, type WebhookServerOptions } from "./webhook-server.ts";

const testdata = new URL("../testdata/", import.meta.url).pathname;
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

const review = {
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "u1",
    kind: { kind: "Pod" },
    operation: "CREATE",
    object: { kind: "Pod", metadata: { name: "web" } },
  },
};

function verdict(allowed: boolean) {
  return {
    resource: { kind: "Pod", name: "web" },
    allowed,
    outcome: "pass",
    results: [],
    patches: [],
    warnings: [],
    trace: [],
  } as const;
}

async function serve(evaluator: Evaluator, options = {}): Promise<{ server: TlsServer; files: string }> {
  const files = mkdtempSync(join(tmpdir(), "assay-webhook-"));
  closers.push(() => rmSync(files, { recursive: true }));
  use("first", files);
  const server = await createWebhookServer(evaluator, {
    tls: { certFile: join(files, "tls.crt"), keyFile: join(files, "tls.key") },
    tlsIntervalMs: 20,
    port: 0,
    host: "127.0.0.1",
    ...options,
  });
  closers.push(() => server.close());
  return { server, files };
}

function use(name: string, files: string): void {
  copyFileSync(join(testdata, `${name}.key`), join(files, "tls.key"));
  copyFileSync(join(testdata, `${name}.crt`), join(files, "tls.crt"));
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly certificate: string;
}

function ask(server: TlsServer, path: string, body?: unknown, identity = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      rejectUnauthorized: false,
      agent: false,
      ...identity,
      method: body === undefined ? "GET" : "POST",
    } as const;
    const sent = request(
      `${server.url}${path}`,
      { ...options, headers: { "content-type": "application/json" } },
      (got) => {
        const certificate = String((got.socket as TLSSocket).getPeerCertificate().subject.CN);
        const chunks: Buffer[] = [];
        got.on("data", (chunk: Buffer) => chunks.push(chunk));
        got.on("end", () =>
          resolve({ status: got.statusCode ?? 0, text: Buffer.concat(chunks).toString(), certificate }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe("the webhook server", () => {
  test("answers reviews over TLS, and health, readiness and metrics beside them", async () => {
    let ready = false;
    const { server } = await serve({ evaluate: async () => verdict(true) }, { ready: () => ready });
    expect((await ask(server, "/healthz")).status).toBe(200);
    expect((await ask(server, "/readyz")).status).toBe(503);
    ready = true;
    expect((await ask(server, "/readyz")).status).toBe(200);
    const answer = await ask(server, "/mutate?timeout=10s", review);
    expect(JSON.parse(answer.text).response).toMatchObject({ uid: "u1", allowed: true });
    const metrics = await ask(server, "/metrics");
    expect(metrics.text).toContain('assay_admission_duration_seconds_count{kind="Pod",allowed="true"} 1');
    server.metrics.policies(3, { lastValid: 1, nothing: 0, denial: 0 });
    server.metrics.policyKind("ClusterPolicy", true);
    server.metrics.policyKind("PolicyException", false);
    const { text } = await ask(server, "/metrics");
    expect(text).toContain("assay_policies_in_force 3");
    expect(text).toContain('assay_policies_refused{in_force="lastValid"} 1');
    expect(text).toContain('assay_policies_refused{in_force="nothing"} 0');
    expect(text).toContain('assay_policy_kind_missing{kind="ClusterPolicy"} 0');
    expect(text).toContain('assay_policy_kind_missing{kind="PolicyException"} 1');
    expect((await ask(server, "/constructor")).status).toBe(404);
  });

  test("is ready as soon as it listens where nobody says otherwise, and no more once it closes", async () => {
    const { server } = await serve({ evaluate: async () => verdict(true) }, { shutdownDelayMs: 300 });
    expect((await ask(server, "/readyz")).status).toBe(200);
    const closed = server.close();
    expect((await ask(server, "/readyz")).status).toBe(503);
    // Until it is asked no more it answers: endpoints take a while to be told.
    expect(JSON.parse((await ask(server, "/mutate", review)).text).response).toMatchObject({ allowed: true });
    await closed;
    await expect(ask(server, "/readyz")).rejects.toThrow("ECONNREFUSED");
  });

  test("serves a rotated certificate to new connections without a restart", async () => {
    let reloaded = (): void => {};
    const done = new Promise<void>((resolve) => {
      reloaded = resolve;
    });
    const logger = { info: () => reloaded(), warn: () => {}, error: () => {} };
    const { server, files } = await serve({ evaluate: async () => verdict(true) }, { logger });
    expect((await ask(server, "/healthz")).certificate).toBe("first");
    use("second", files);
    await done;
    await expect.poll(async () => (await ask(server, "/healthz")).certificate).toBe("second");
  });

  test.each([
    ["2126-11-01T00:00:00Z", "TLS certificate has expired: clients refuse it"],
    ["2026-11-01T00:00:00Z", "TLS certificate is not valid yet: clients refuse it"],
  ])("on %s it warns at the start and after a rotation: %s", async (now, said) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(now) });
    closers.push(() => void vi.useRealTimers());
    const warnings: [object, string][] = [];
    const warn = (fields: object, message: string) => void warnings.push([fields, message]);
    const logger = { info: () => {}, warn, error: () => {} };
    const { files } = await serve({ evaluate: async () => verdict(true) }, { logger });
    const file = join(files, "tls.crt");
    const first = { validFrom: "2026-11-23T16:00:24.000Z", validTo: "2126-10-30T16:00:24.000Z" };
    expect(warnings).toEqual([[{ file, subject: "CN=first", ...first }, said]]);
    use("second", files);
    await expect.poll(() => warnings.length).toBeGreaterThan(1);
    expect(warnings.at(-1)).toMatchObject([{ file, subject: "CN=second" }, said]);
  });

  test("warns once of a certificate that expires while it is served", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    closers.push(() => void vi.useRealTimers());
    const warnings: string[] = [];
    let looks = 0;
    const logger = {
      info: () => void looks++,
      warn: (_: object, message: string) => void warnings.push(message),
      error: () => void looks++,
    };
    const { files } = await serve({ evaluate: async () => verdict(true) }, { logger });
    expect(warnings).toEqual([]);
    vi.setSystemTime(Date.parse("2126-11-01T00:00:00Z"));
    await expect.poll(() => warnings).toEqual(["TLS certificate has expired: clients refuse it"]);
    // Two more looks, each of which has something else to tell.
    for (const count of [1, 2]) {
      writeFileSync(join(files, "tls.key"), `half written ${count}`);
      await expect.poll(() => looks).toBe(count);
    }
    expect(warnings).toHaveLength(1);
  });

  test("tells in its metrics when the certificate ends, or one of its chain before it, also after a rotation", async () => {
    const { server, files } = await serve({ evaluate: async () => verdict(true) });
    const endTold = async (): Promise<number> => {
      const { text } = await ask(server, "/metrics");
      return Number(/^assay_tls_certificate_not_after_timestamp_seconds (\S+)$/m.exec(text)?.[1]);
    };
    const pem = (name: string): string => readFileSync(join(testdata, `${name}.crt`), "utf8");
    const end = (name: string): number => Date.parse(new X509Certificate(pem(name)).validTo) / 1000;
    expect(end("authority")).toBeLessThan(end("first"));
    expect(await endTold()).toBe(end("first"));
    writeFileSync(join(files, "tls.crt"), pem("first") + pem("authority"));
    await expect.poll(endTold).toBe(end("authority"));
  });

  test.runIf(hasIPv6)("has a URL that can be called where its host is an IPv6 address", async () => {
    const { server } = await serve({ evaluate: async () => verdict(true) }, { host: "::1" });
    expect(server.url).toBe(`https://[::1]:${server.port}`);
    expect((await ask(server, "/healthz")).status).toBe(200);
    const taken = serve({ evaluate: async () => verdict(true) }, { host: "::1", port: server.port });
    await expect(taken).rejects.toThrow(`can't listen on \`[::1]:${server.port}\`: address already in use`);
  });

  test("sees a rotation in the very moment of its start, and a missing file once", async () => {
    const infos: string[] = [];
    const errors: string[] = [];
    const logger = {
      info: (_: object, message: string) => void infos.push(message),
      warn: () => {},
      error: (fields: object) => void errors.push(JSON.stringify(fields)),
    };
    const { files } = await serve({ evaluate: async () => verdict(true) }, { logger });
    use("second", files);
    await expect.poll(() => infos).toEqual(["TLS certificate reloaded"]);
    rmSync(join(files, "tls.crt"));
    await expect.poll(() => errors.length).toBe(1);
    use("first", files);
    await expect.poll(() => infos).toHaveLength(2);
    expect(errors).toEqual([expect.stringContaining("there is none")]);
  });

  test("keeps the old certificate when the new files do not fit together", async () => {
    let failed = (): void => {};
    const done = new Promise<void>((resolve) => {
      failed = resolve;
    });
    const logger = { info: () => {}, warn: () => {}, error: () => failed() };
    const { server, files } = await serve({ evaluate: async () => verdict(true) }, { logger });
    copyFileSync(join(testdata, "second.key"), join(files, "tls.key"));
    await done;
    expect((await ask(server, "/healthz")).certificate).toBe("first");
  });

  test("closing does not wait for a connection that is kept after its last answer", async () => {
    let release = (): void => {};
    const inside = new Promise<void>((arrived) => {
      release = arrived;
    });
    const evaluate = async () => {
      release();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return verdict(true);
    };
    // Longer than a test may take.
    const { server } = await serve({ evaluate }, { drainMs: 600_000 });
    const agent = new Agent({ keepAlive: true });
    closers.push(() => agent.destroy());
    const answer = ask(server, "/mutate", review, { agent });
    await inside;
    const closing = server.close();
    expect(JSON.parse((await answer).text).response.allowed).toBe(true);
    await closing;
  });

  test("closing waits for the reviews in flight", async () => {
    let release = (): void => {};
    let arrived = (): void => {};
    const inside = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { server } = await serve({
      evaluate: async () => {
        arrived();
        await held;
        return verdict(true);
      },
    });
    const answer = ask(server, "/mutate", review);
    await inside;
    const closing = server.close();
    release();
    expect(JSON.parse((await answer).text).response.allowed).toBe(true);
    await closing;
  });

  test("refuses a key of another kind than its certificate's, which no handshake could use", async () => {
    const files = mkdtempSync(join(tmpdir(), "assay-webhook-"));
    closers.push(() => rmSync(files, { recursive: true }));
    use("first", files);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(join(files, "tls.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
    const options = { tls: { certFile: join(files, "tls.crt"), keyFile: join(files, "tls.key") }, port: 0 };
    const evaluator: Evaluator = { evaluate: async () => verdict(true) };
    await expect(createWebhookServer(evaluator, options)).rejects.toMatchObject({ code: "badTls" });
  });

  test("with `clientCa` only its clients get an answer, also after a rotation", async () => {
    const first = {
      cert: readFileSync(join(testdata, "first.crt")),
      key: readFileSync(join(testdata, "first.key")),
    };
    const second = {
      cert: readFileSync(join(testdata, "second.crt")),
      key: readFileSync(join(testdata, "second.key")),
    };
    const evaluator: Evaluator = { evaluate: async () => verdict(true) };
    const { server, files } = await serve(evaluator, { clientCa: first.cert.toString() });
    const served = async () => (await ask(server, "/healthz", undefined, first)).certificate;
    for (const certificate of ["first", "second"] as const) {
      use(certificate, files);
      await expect.poll(served).toBe(certificate);
      await expect(ask(server, "/healthz")).rejects.toThrow();
      await expect(ask(server, "/healthz", undefined, second)).rejects.toThrow();
    }
  });

  test.each([
    ["nothing", ""],
    ["no PEM", "authority"],
    ["a certificate that is none", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])(
    "refuses %s as the authorities of clients: anybody's certificate would do, or nobody's",
    async (_, clientCa) => {
      const attempt = serve({ evaluate: async () => verdict(true) }, { clientCa });
      await expect(attempt).rejects.toMatchObject({ code: "badTls", path: "clientCa" });
    },
  );

  test("a port that is taken is said with its address", async () => {
    const { server, files } = await serve({ evaluate: async () => verdict(true) });
    const options = {
      tls: { certFile: join(files, "tls.crt"), keyFile: join(files, "tls.key") },
      port: server.port,
      host: "127.0.0.1",
    };
    const evaluator: Evaluator = { evaluate: async () => verdict(true) };
    await expect(createWebhookServer(evaluator, options)).rejects.toMatchObject({
      code: "badOptions",
      message: `can't listen on \`127.0.0.1:${server.port}\`: address already in use`,
    });
  });

  test.each<[string, unknown, string]>([
    ["no TLS", {}, "`tls` names no `certFile` and `keyFile`"],
    ["PEM texts", { tls: { cert: "x", key: "y" } }, "`tls` names no `certFile` and `keyFile`"],
    [
      "files that are not there",
      { tls: { certFile: "/no/a", keyFile: "/no/b" } },
      "`/no/a` can't be read: there is none",
    ],
  ])("says what to give in place of %s", async (_, options, said) => {
    const evaluator: Evaluator = { evaluate: async () => verdict(true) };
    const attempt = createWebhookServer(evaluator, options as WebhookServerOptions);
    await expect(attempt).rejects.toMatchObject({ code: "badTls", message: expect.stringContaining(said) });
  });

  test("names the file that is no certificate", async () => {
    const options = {
      tls: { certFile: join(testdata, "README.md"), keyFile: join(testdata, "first.key") },
      port: 0,
    };
    const evaluator: Evaluator = { evaluate: async () => verdict(true) };
    await expect(createWebhookServer(evaluator, options)).rejects.toMatchObject({
      code: "badTls",
      path: options.tls.certFile,
    });
  });
});
