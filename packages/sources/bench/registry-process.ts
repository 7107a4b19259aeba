// A registry process full of signed images: `node bench/registry-process.ts COUNT [FAULTS]`, FAULTS being the share of
// requests that go wrong. Tells its parent where it is.
import { createKey, createRegistry, type FaultEffect, image, type Registry } from "@assay/testkit";

const [count, faults] = [Number(process.argv[2]), Number(process.argv[3] ?? 0)];
const registry = createRegistry();
const key = createKey("p256");
for (let i = 0; i < count; i++) {
  const unsigned = image({ repository: `acme/app-${i}` });
  // Every hundredth is unsigned: a scan must find them.
  (i % 100 === 7 ? unsigned : unsigned.signedBy(key)).pushTo(registry);
}
if (faults > 0) misbehave(registry);
const { host } = await registry.listen();
process.send?.({ host, pem: key.pem });
process.on("disconnect", () => process.exit());
// Requests are recorded for tests; a bench would fill the memory with them.
setInterval(() => registry.forgetRequests(), 200);

/** Lets a share of the requests go wrong, each time in another way. None of them may look like "there is no such tag". */
function misbehave(to: Registry): void {
  const ways: readonly ((request: Request, next: () => Promise<Response>) => Promise<Response>)[] = [
    async () => new Response(null, { status: 503 }),
    async () => new Response(null, { status: 500 }),
    async () => new Response(null, { status: 429, headers: { "retry-after": "0" } }),
    async () => new Response(null, { status: 401 }),
    async () => new Response("<html>login</html>", { status: 200, headers: { "content-type": "text/html" } }),
    async () => new Response(null, { status: 307, headers: { location: "http://169.254.169.254/" } }),
    async (_, next) => {
      const answer = await next();
      const body = new Uint8Array(await answer.arrayBuffer());
      return new Response(body.subarray(0, body.length / 2), {
        status: answer.status,
        headers: answer.headers,
      });
    },
    async (_, next) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return next();
    },
    async () => new Promise<Response>(() => undefined),
  ];
  let turn = 0;
  const answer: Extract<FaultEffect, { kind: "answer" }>["answer"] = (request, next) => {
    turn++;
    const goesWrong = (turn * 7919) % 1000 < faults * 1000;
    const way = goesWrong ? ways[Math.floor(turn / 13) % ways.length] : undefined;
    return way === undefined ? next() : way(request, next);
  };
  to.inject({ effect: { kind: "answer", answer } });
}
