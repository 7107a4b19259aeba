import { expect, test } from "vitest";
import { readJsonBody } from "./read-json-body.ts";

const json = { "content-type": "application/json" };

function request(body: string | undefined, headers: Record<string, string> = json): Request {
  return new Request("https://webhook/", {
    method: "POST",
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

test.each(["text/plain", "application/yaml", ""])("a body of type `%s` is refused", async (type) => {
  await expect(readJsonBody(request("{}", { "content-type": type }), 100)).rejects.toMatchObject({
    code: "malformedReview",
    message: `content type \`${type}\` is not \`application/json\``,
  });
});

test("a charset beside the type changes nothing", async () => {
  const headers = { "content-type": "Application/JSON; charset=utf-8" };
  expect(await readJsonBody(request('{"a":"ü"}', headers), 100)).toEqual({ a: "ü" });
});

test("no body at all is no JSON", async () => {
  await expect(readJsonBody(request(undefined), 100)).rejects.toMatchObject({
    code: "malformedReview",
    message: "the body is not JSON",
  });
});

test("a body of just the limit is read, one byte more is not, whatever length it declares", async () => {
  const text = '{"padding":"ü"}';
  const bytes = Buffer.byteLength(text);
  const declaring = (length: number): Request => request(text, { ...json, "content-length": String(length) });
  const tooLarge = { code: "bodyTooLarge", message: `the body is larger than ${bytes - 1} bytes` };
  expect(await readJsonBody(request(text), bytes)).toEqual({ padding: "ü" });
  expect(await readJsonBody(declaring(bytes), bytes)).toEqual({ padding: "ü" });
  await expect(readJsonBody(request(text), bytes - 1)).rejects.toMatchObject(tooLarge);
  // What declares too much is not read at all.
  const large = declaring(bytes + 1);
  await expect(readJsonBody(large, bytes)).rejects.toMatchObject({ code: "bodyTooLarge" });
  expect(large.bodyUsed).toBe(false);
});
