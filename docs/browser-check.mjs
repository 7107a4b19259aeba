// Opens the built site in a real headless Chromium: every page without console errors or dead links, the playground used
// by hand and by keyboard, light and dark. Usage: node browser-check.mjs [--screenshots DIR]
import { createReadStream, existsSync, globSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const dist = new URL(".vitepress/dist/", import.meta.url).pathname;
const screenshots = process.argv[2] === "--screenshots" ? process.argv[3] : undefined;
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
let passed = 0;
let failed = 0;

const server = createServer((request, response) => {
  const path = join(dist, decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
  const file = [path, `${path}.html`, join(path, "index.html")].find(
    (one) => existsSync(one) && statSync(one).isFile(),
  );
  if (file === undefined) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

function print(line) {
  process.stdout.write(`${line}\n`);
}

async function check(name, run) {
  try {
    await run();
    passed++;
    print(`ok    ${name}`);
  } catch (error) {
    failed++;
    print(`FAIL  ${name}\n      ${String(error).replaceAll("\n", "\n      ")}`);
  }
}

function must(holds, what) {
  if (!holds) throw new Error(what);
}

async function open(path, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on(
    "response",
    (answer) => answer.status() >= 400 && errors.push(`${answer.status()} ${answer.url()}`),
  );
  await page.goto(`${base}${path}`, { waitUntil: "networkidle" });
  return { page, errors };
}

const verdict = (page) => page.locator('[data-test="verdict"]');
const policyPane = (page) => page.getByLabel("Policy", { exact: true });
const shot = (page, name) =>
  screenshots === undefined ? undefined : page.screenshot({ path: join(screenshots, `${name}.png`) });

const pages = globSync("**/*.html", { cwd: dist }).filter(
  (file) => !file.startsWith("api/") && file !== "404.html",
);
await check(`${pages.length} pages open without console errors and their links lead somewhere`, async () => {
  const wrong = [];
  for (const file of pages) {
    const { page, errors } = await open(`/${file.replace(/(index)?\.html$/, "")}`);
    wrong.push(...errors.map((error) => `${file}: ${error}`));
    const links = await page
      .locator("a[href^='/']")
      .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    for (const link of new Set(links)) {
      const path = join(dist, link.replace(/[#?].*/, ""));
      if (![path, `${path}.html`, join(path, "index.html")].some((one) => existsSync(one)))
        wrong.push(`${file}: dead link ${link}`);
    }
    await page.close();
  }
  must(wrong.length === 0, wrong.join("\n"));
});

await check("the playground judges its first sample, and lights the policy's lines", async () => {
  const { page, errors } = await open("/playground");
  await verdict(page).waitFor();
  must((await verdict(page).textContent()).trim().startsWith("allowed"), await verdict(page).textContent());
  must((await page.locator(".gutter > .pass").count()) > 3, "no line is marked");
  must((await page.getByText("of the record").count()) > 1, "signatures are not labelled");
  await page.locator("summary", { hasText: "condition" }).last().hover();
  must((await page.locator(".gutter > .lit").count()) === 1, "no line is lit");
  await shot(page, "playground-light");
  must(errors.length === 0, errors.join("\n"));
  await page.close();
});

await check("editing a condition flips the verdict at once, and says why", async () => {
  const { page } = await open("/playground");
  await verdict(page).waitFor();
  const text = await policyPane(page).inputValue();
  must(text.includes("SPDX-2.3"), "the sample has another condition");
  await policyPane(page).fill(text.replace("SPDX-2.3", "SPDX-3.0"));
  await page.locator(".verdict.fail").waitFor();
  must(
    (await page.locator(".results").textContent()).includes("SPDX-3.0"),
    "the reason does not name the value",
  );
  await page.close();
});

await check("a misspelt field is answered with line and suggestion", async () => {
  const { page } = await open("/playground");
  await verdict(page).waitFor();
  const text = await policyPane(page).inputValue();
  await policyPane(page).fill(text.replace("imageReferences", "imageReferencez"));
  await page.locator(".verdict.fail").waitFor();
  must((await page.locator(".results").textContent()).includes("imageReferences"), "no suggestion");
  must((await page.locator(".gutter > .error").count()) === 1, "the line is not marked");
  await page.close();
});

await check("another signer than the record's is never allowed", async () => {
  const { page } = await open("/playground");
  await verdict(page).waitFor();
  const text = await policyPane(page).inputValue();
  await policyPane(page).fill(text.replaceAll("ignoreTlog: true", "ignoreTlog: false"));
  await page.locator(".verdict.fail").waitFor();
  must((await page.locator(".results").textContent()).includes("record again"), "does not say what to do");
  await page.close();
});

await check("every sample, and a record that is dropped, is judged as it was recorded", async () => {
  const { page } = await open("/playground");
  await verdict(page).waitFor();
  for (const file of globSync("public/samples/*.json", { cwd: new URL(".", import.meta.url).pathname })) {
    const path = new URL(file, import.meta.url).pathname;
    const { allowed } = JSON.parse(readFileSync(path, "utf8")).verdict;
    await page.locator('input[type="file"]').setInputFiles(path);
    await page.locator(`.verdict.${allowed ? "pass" : "fail"}`).waitFor();
  }
  await page.locator('input[type="file"]').setInputFiles(new URL("package.json", import.meta.url).pathname);
  await page.getByRole("alert").waitFor();
  await page.close();
});

await check("it can be used by keyboard alone", async () => {
  const { page } = await open("/playground");
  await verdict(page).waitFor();
  await page.locator("select").focus();
  await page.keyboard.press("ArrowDown");
  await page.locator(".verdict.fail").waitFor();
  await page.locator(".result summary").first().focus();
  await page.keyboard.press("Enter");
  must(
    (await page.locator(".result details").first().getAttribute("open")) === null,
    "Enter does not fold the tree",
  );
  await page.close();
});

await check("dark mode and a narrow screen", async () => {
  const { page, errors } = await open("/playground", {
    colorScheme: "dark",
    viewport: { width: 390, height: 844 },
  });
  await verdict(page).waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  must(!wide, "the page is wider than the screen");
  must(await page.evaluate(() => document.documentElement.classList.contains("dark")), "not dark");
  await shot(page, "playground-dark-narrow");
  must(errors.length === 0, errors.join("\n"));
  await page.close();
});

await browser.close();
server.close();
print(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
