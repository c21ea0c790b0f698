// Values of labels come from anywhere: nothing of them is executed, and nothing breaks the page.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addSilence, launch, open, type Running, send, startServer } from "./support";

let browser: Browser;
let server: Running;
let silence: string;

const hostile: Record<string, string> = {
  alertname: "<img src=x onerror=window.hacked=1>",
  script: "</script><script>window.hacked=1</script>",
  bidi: "\u202eright to left\u2066",
  long: "x".repeat(10_000),
  lines: "a\nb\r\n\tc\u0000",
  braces: '{a="b"} {{ $value }}',
};
const link = "javascript:window.hacked=1";

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startServer()]);
  const alert = { labels: hostile, annotations: { summary: hostile.script, runbook_url: link }, generatorURL: link };
  await send(`${server.url}/api/v2/alerts`, [alert]);
  const matchers = Object.entries(hostile);
  silence = await addSilence(server, { matchers, comment: `${hostile.script} ${hostile.bidi} ${link}`, minutes: 60 });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test.each([320, 1280])("hostile labels at %d pixels", async (width) => {
  const { page, problems, close } = await open(browser, `${server.url}/alerts`, { width });
  const open_ = page.getByRole("button", { name: /^Details of/ }).first();
  await open_.click();
  await page.getByText("<img src=x onerror").first().waitFor();
  await page.getByText("</script><script>").first().waitFor();
  expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  ).toBeLessThanOrEqual(0);
  // Not all of ten thousand letters.
  expect(((await page.locator("main").textContent()) ?? "").length).toBeLessThan(8000);
  expect(problems).toEqual([]);
  await close();
});

test.each([320, 1280])("a hostile silence at %d pixels", async (width) => {
  for (const path of ["/silences", `/silences/${silence}`, `/silences/${silence}/edit`]) {
    const { page, problems, close } = await open(browser, server.url + path, { width });
    await page
      .getByText("window.hacked=1", { exact: false })
      .first()
      .waitFor({ state: path.endsWith("edit") ? "attached" : "visible" });
    expect(await page.evaluate(() => (window as { hacked?: number }).hacked), path).toBeUndefined();
    expect(await page.locator('a[href^="javascript:"]').count(), path).toBe(0);
    const wider = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
    expect(await page.evaluate(wider), path).toBeLessThanOrEqual(0);
    expect(problems, path).toEqual([]);
    await close();
  }
});

test("hostile addresses", async () => {
  for (const path of [
    "/query?g0.expr=%3Cscript%3Ewindow.hacked=1%3C/script%3E&g0.tab=table",
    "/alerts?q=%3Cscript%3Ewindow.hacked=1%3C/script%3E",
    "/why?q=%22%3E%3Cimg%20src=x%20onerror=window.hacked=1%3E",
    "/alert/%3Cscript%3E",
    "/routing?labels=%3Cscript%3E",
    `/rules?q=${"a".repeat(6000)}`,
    "/rules?sort=nonsense&open=x",
    "/silences/new?filter=%7Bjob%3D~%22%28%22&comment=%3Cscript%3Ewindow.hacked=1%3C/script%3E&duration=x",
    "/silences/%3Cscript%3E/edit",
  ]) {
    const { page, problems, close } = await open(browser, server.url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await page.evaluate(() => (window as { hacked?: number }).hacked), path).toBeUndefined();
    expect(problems, path).toEqual([]);
    await close();
  }
});

test("a server that goes away is told, and what was there stays", async () => {
  const { page, close } = await open(browser, `${server.url}/status`);
  await page.getByRole("heading", { name: "Needs attention" }).waitFor();
  await page.route("**/api/**", (route) => route.abort());
  await page.getByText(/No answer from the server/).waitFor({ timeout: 30_000 });
  await page.getByRole("heading", { name: "Needs attention" }).waitFor();
  const ask = await page.getByRole("button", { name: "Ask now" }).elementHandle();
  await page.unroute("**/api/**");
  // The page asks by itself too, and may be faster.
  await ask?.evaluate((button) => (button as HTMLElement).click());
  await page.getByText(/No answer from the server/).waitFor({ state: "detached", timeout: 30_000 });
  await close();
});

test("answers that are no answers", async () => {
  for (const [status, body, told] of [
    [503, "Service Unavailable", "The server is not ready yet"],
    [200, "<html>please sign in</html>", "The answer cannot be read"],
    [500, '{"status":"error","errorType":"internal","error":"it broke"}', "it broke"],
    [502, "bad gateway", "The server does not answer"],
    [200, "{}", "The answer cannot be read"],
    [200, '{"status":"success","data":null}', "The answer cannot be read"],
  ] as const) {
    const { page, problems, close } = await open(browser, `${server.url}/flags`);
    await page.route("**/api/keepwatch/v1/rules*", (route) => route.fulfill({ status, body }));
    await page.getByRole("link", { name: "Rules", exact: true }).click();
    await page.getByText(told).first().waitFor();
    expect(problems, String(status)).toEqual([]);
    await close();
  }
});

test("whatever answers in the server's place, no page is blank", async () => {
  for (const [body, told] of [
    ["{}", "The answer cannot be read"],
    ["[]", "The answer cannot be read"],
    ['{"status":"success","data":null}', "The answer cannot be read"],
    ['{"status":"success","data":{}}', "This page failed"],
    ['{"status":"success","data":[[[]]]}', "This page failed"],
  ] as const) {
    for (const path of ["/status", "/query?g0.expr=up", "/alerts", "/targets"]) {
      const { page, close } = await open(browser, "about:blank");
      await page.route("**/api/**", (route) => route.fulfill({ status: 200, body, contentType: "application/json" }));
      await page.goto(server.url + path);
      await page.getByText(told).first().waitFor();
      await close();
    }
  }
});

test("a server that does not end its answers is told", async () => {
  const { page, problems, close } = await open(browser, "about:blank");
  await page.route("**/api/v1/**", () => new Promise(() => {}));
  await page.route("**/api/keepwatch/v1/rules*", () => new Promise(() => {}));
  await page.goto(`${server.url}/rules`);
  await page.getByText("No answer for 8 seconds").first().waitFor({ timeout: 30_000 });
  expect(problems).toEqual([]);
  await close();
});
