import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";

/** A real etcd and kube-apiserver on loopback, without containers, kubelet or controllers. */
export interface ApiServer {
  readonly url: string;
  readonly directory: string;
  /** kubectl as cluster admin. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlAnswer>;
  /** One request as cluster admin, for what is asked often: kubectl takes a tenth of a second to start. */
  request(method: string, path: string, body?: object, type?: string): Promise<ApiAnswer>;
  /** A kubeconfig file for the given user: `admin`, or a service account's token. */
  kubeconfig(name: string, token?: string): string;
  /** A certificate of the cluster's authority for 127.0.0.1, with its key. */
  servingCertificate(name: string): { readonly certFile: string; readonly keyFile: string };
  readonly caFile: string;
  stop(): void;
}

export interface KubectlAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ApiAnswer {
  readonly status: number;
  /** The object, or a `Status` with a `message`. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever kind of object the API server sends
  readonly body: any;
}

/**
 * Starts both; resolves when `/readyz` answers. `binaries` is what `cluster-build.sh` prints. They end with this process
 * at the latest.
 */
export async function startApiServer(binaries: string, directory: string): Promise<ApiServer> {
  mkdirSync(directory, { recursive: true });
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const pki = makePki(directory);
  const processes = [
    run(join(binaries, "etcd"), etcdFlags(directory, client, peer), directory, "etcd"),
    run(join(binaries, "kube-apiserver"), apiServerFlags(pki, client, port), directory, "apiserver"),
  ];
  const stop = (): void => {
    for (const child of processes.toReversed()) child.kill("SIGKILL");
  };
  // Also where they do not come up, or a signal comes first; and before whoever removes the directory at the end.
  process.prependOnceListener("exit", stop);
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = (name: string, token?: string): string => writeKubeconfig(pki, url, { name, token });
  const admin = kubeconfig("admin");
  const kubectl: ApiServer["kubectl"] = (args, stdin) =>
    answer(join(binaries, "kubectl"), ["--kubeconfig", admin, ...args], stdin);
  await until(
    async () => (await kubectl(["get", "--raw", "/readyz"])).status === 0,
    60_000,
    "the API server",
  );
  return {
    url,
    directory,
    kubectl,
    request: requests(pki, url),
    kubeconfig,
    caFile: pki.ca,
    servingCertificate: (name) =>
      sign(directory, name, "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
    stop,
  };
}

interface Pki {
  readonly ca: string;
  readonly directory: string;
}

function etcdFlags(directory: string, client: number, peer: number): string[] {
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  return [
    `--data-dir=${join(directory, "etcd")}`,
    `--listen-client-urls=${at(client)}`,
    `--advertise-client-urls=${at(client)}`,
    `--listen-peer-urls=${at(peer)}`,
    `--initial-advertise-peer-urls=${at(peer)}`,
    `--initial-cluster=default=${at(peer)}`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

function apiServerFlags({ directory, ca }: Pki, etcd: number, port: number): string[] {
  const file = (name: string): string => join(directory, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--tls-cert-file=${file("apiserver.crt")}`,
    `--tls-private-key-file=${file("apiserver.key")}`,
    `--client-ca-file=${ca}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("sa.pub")}`,
    `--service-account-signing-key-file=${file("sa.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--authorization-mode=RBAC",
    // Without a controller manager nobody makes the default service account that this plugin demands of every Pod.
    "--disable-admission-plugins=ServiceAccount",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    "--profiling=false",
    "--v=1",
  ];
}

function makePki(directory: string): Pki {
  const ca = join(directory, "ca.crt");
  openssl(
    directory,
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "30",
    "-subj",
    "/CN=assay test",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
  );
  sign(
    directory,
    "apiserver",
    "/CN=kube-apiserver",
    "subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes.default.svc",
  );
  sign(directory, "admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth");
  openssl(directory, "genrsa", "-out", "sa.key", "2048");
  openssl(directory, "rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  return { ca, directory };
}

function sign(
  directory: string,
  name: string,
  subject: string,
  extension: string,
): { certFile: string; keyFile: string } {
  writeFileSync(join(directory, `${name}.ext`), `${extension}\n`);
  openssl(
    directory,
    "req",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    subject,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
  );
  openssl(
    directory,
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "30",
    "-extfile",
    `${name}.ext`,
    "-out",
    `${name}.crt`,
  );
  return { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) };
}

function openssl(cwd: string, ...args: readonly string[]): void {
  execFileSync("openssl", args, { cwd, stdio: "pipe" });
}

function writeKubeconfig(
  { directory, ca }: Pki,
  server: string,
  { name, token }: { readonly name: string; readonly token: string | undefined },
): string {
  const file = join(directory, `${name}.kubeconfig`);
  const admin = {
    "client-certificate": join(directory, "admin.crt"),
    "client-key": join(directory, "admin.key"),
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority": ca } }],
    users: [{ name: "u", user: token === undefined ? admin : { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

function run(binary: string, args: readonly string[], directory: string, name: string): ChildProcess {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  const log: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => log.push(chunk));
  child.on("exit", (code) => {
    if (code !== null && code !== 0) writeFileSync(join(directory, `${name}.log`), Buffer.concat(log));
  });
  return child;
}

/** Never blocks this process: the registry that the webhook asks is served by it. */
function answer(binary: string, args: readonly string[], stdin = ""): Promise<KubectlAnswer> {
  return new Promise((resolve) => {
    const child = execFile(binary, args, { encoding: "utf8", timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}

function requests({ directory, ca }: Pki, url: string): ApiServer["request"] {
  const file = (name: string): Buffer => readFileSync(join(directory, name));
  const agent = new Agent({
    keepAlive: true,
    cert: file("admin.crt"),
    key: file("admin.key"),
    ca: readFileSync(ca),
  });
  return (method, path, body, type = "application/json") =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? "" : JSON.stringify(body);
      const headers = { "content-type": type, "content-length": String(Buffer.byteLength(text)) };
      const outgoing = request(`${url}${path}`, { method, agent, headers }, (incoming) => {
        json(incoming).then((said) => resolve({ status: incoming.statusCode ?? 0, body: said }), reject);
      });
      outgoing.on("error", reject);
      outgoing.end(text);
    });
}

/** Polls until `holds`, or throws after `limitMs`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  limitMs: number,
  what: string,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come up within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
