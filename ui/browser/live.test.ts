// The event stream, and pages that follow it: at once, and when it is blocked, paused, or the tab is hidden.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addSilence, launch, open, type Running, send, startServer, until } from "./support";

let browser: Browser;
let server: Running;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startServer()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const fire = (name: string) => send(`${server.url}/api/v2/alerts`, [{ labels: { alertname: name } }]);

/** Reads the stream until its text is enough. `then` is done when its first change came: from then on all are seen. */
async function hear(query: string, isEnough: (heard: string) => boolean, then?: () => Promise<unknown>) {
  const stop = new AbortController();
  const answer = await fetch(`${server.url}/api/keepwatch/v1/events?${query}`, {
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]),
  });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  let heard = "";
  for await (const chunk of answer.body ?? []) {
    heard += new TextDecoder().decode(chunk as Uint8Array);
    if (then && heard.includes("event: changed")) {
      const first = then;
      then = undefined;
      await first();
    } else if (isEnough(heard)) break;
  }
  stop.abort();
  return heard;
}

const changes = (heard: string) => [...heard.matchAll(/event: changed\ndata: (.*)\n/g)].map((found) => found[1]);

test("says what changed, and to who comes back what was missed", async () => {
  expect((await fetch(`${server.url}/api/keepwatch/v1/events?topics=nonsense`)).status).toBe(400);
  const made = () => addSilence(server, { matchers: [["alertname", "X"]], comment: "x", minutes: 5 });
  let back = "";
  const heard = await hear(
    "topics=silences,config",
    (text) => changes(text).length > 1,
    async () => {
      // Another one that was away while a silence was made.
      const before = await hear("topics=config", (text) => text.includes("id: "));
      const after = /id: (\S+)/.exec(before)?.[1] ?? "";
      await made();
      back = await hear(`topics=silences&after=${after}`, (text) =>
        changes(text).some((one) => one?.includes("silences")),
      );
    },
  );
  expect(heard).toMatch(/^id: \d+-\d+\nevent: reset\n/);
  expect(changes(heard)).toEqual(['{"topics":["silences","config"]}', '{"topics":["silences"]}']);
  expect(back).not.toContain("reset");
  expect(changes(back)).toContain('{"topics":["silences"]}');
});

test("there is an end to how many listen", async () => {
  const stop = new AbortController();
  const url = `${server.url}/api/keepwatch/v1/events?topics=config`;
  const all = await Promise.all(Array.from({ length: 70 }, () => fetch(url, { signal: stop.signal })));
  const statuses = all.map((one) => one.status);
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(64);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(50);
  stop.abort();
  await until("there is room again", async () => {
    const controller = new AbortController();
    const answer = await fetch(url, { signal: controller.signal });
    controller.abort();
    return answer.status === 200;
  });
});

/** Waits until the page hears the stream: its dot says so. */
const listens = (page: Page) => page.getByTitle("Events come as they happen", { exact: false }).waitFor();

test("a page shows at once what happened", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/alerts`);
  await listens(page);
  const began = Date.now();
  await fire("Second");
  await page.getByRole("link", { name: "Second" }).waitFor();
  // Asking at its interval it would be 15 seconds.
  expect(Date.now() - began).toBeLessThan(8000);
  // Under the pointer new rows wait.
  await page.getByRole("link", { name: "Second" }).hover();
  await fire("Athird");
  const wait = page.getByRole("button", { name: "1 new – show" });
  await wait.waitFor();
  expect(await page.getByRole("link", { name: "Athird" }).count()).toBe(0);
  await wait.click();
  await page.getByRole("link", { name: "Athird" }).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("of a list only what changed comes again", async () => {
  await fire("Old");
  const { page, problems, close } = await open(browser, `${server.url}/alerts`);
  await listens(page);
  await page.getByRole("link", { name: "Old" }).waitFor();
  interface Part {
    rows: Array<{ labels: Record<string, string> }>;
    prints: string[];
  }
  const parts: Part[] = [];
  page.on("response", async (answer) => {
    if (new URL(answer.url()).pathname.endsWith("/keepwatch/v1/alerts"))
      parts.push(((await answer.json()) as { data: Part }).data);
  });
  await fire("Fresh");
  await page.getByRole("link", { name: "Fresh" }).waitFor();
  await page.getByRole("link", { name: "Old" }).waitFor();
  const names = parts.flatMap(({ rows }) => rows.map(({ labels }) => labels.alertname));
  expect(names).toContain("Fresh");
  expect(names).not.toContain("Old");
  expect(parts.every(({ prints }) => prints.length >= 2)).toBe(true);
  expect(problems).toEqual([]);
  await close();
});

test("paused means that nothing is asked, and going on asks", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/alerts`);
  await listens(page);
  const closed = page.waitForEvent("requestfailed", (request) => request.url().includes("/events"));
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Paused" }).waitFor();
  await closed;
  const asked: string[] = [];
  page.on("request", (request) => {
    if (/\/(alerts|events)/.test(request.url())) asked.push(request.url());
  });
  // Somebody else hears of it meanwhile.
  const told = hear("topics=alerts", (text) => changes(text).includes('{"topics":["alerts"]}'));
  await fire("While paused");
  await told;
  expect(asked).toEqual([]);
  await page.keyboard.press("p");
  await page.getByRole("link", { name: "While paused" }).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("a stream that is blocked leaves the page asking now and then", async () => {
  const { page, close } = await open(browser, `${server.url}/flags`);
  await page.route("**/api/keepwatch/v1/events*", (route) => route.fulfill({ status: 502, body: "no" }));
  await page.getByRole("link", { name: "Alerts now" }).click();
  await page.getByRole("link", { name: "Second" }).waitFor();
  await page.getByTitle("Asked every 15 seconds", { exact: false }).waitFor();
  await fire("Blocked");
  await page.getByRole("link", { name: "Blocked" }).waitFor({ timeout: 40_000 });
  await close();
});
