// Links of the peers open the right page with the right state, below a prefix too.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, open, type Running, startServer } from "./support";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

interface Expected {
  heading: string;
  /** What the page must show of the link's state. */
  shows?: (page: Page) => Promise<unknown>;
}

const expression = (value: string) => async (page: Page) =>
  expect.poll(() => page.getByRole("textbox", { name: "Expression 1" }).textContent()).toBe(value);
const chip = (value: string) => (page: Page) => page.locator(".chip", { hasText: value }).waitFor();
const tab = (name: string) => (page: Page) => page.getByRole("tab", { name, selected: true }).waitFor();
const field = (label: string, value: string) => (page: Page) =>
  expect.poll(() => page.getByRole("textbox", { name: label }).inputValue()).toBe(value);
const time = (label: string, value: string) => (page: Page) =>
  expect.poll(() => page.getByRole("textbox", { name: label, exact: true }).inputValue()).toBe(value);
const matcher = (name: string, value: string) => async (page: Page) => {
  await expect.poll(() => page.getByLabel("Label of matcher 1").inputValue()).toBe(name);
  expect(await page.getByLabel("Value of matcher 1").inputValue()).toBe(value);
};
const says = (words: string) => (page: Page) => page.getByText(words).waitFor();
const both =
  (...checks: Array<(page: Page) => Promise<unknown>>) =>
  async (page: Page) => {
    for (const check of checks) await check(page);
  };

const end = "End of the range (UTC)";

const links: ReadonlyArray<readonly [string, Expected]> = [
  ["/", { heading: "Overview" }],
  ["/graph?g0.expr=up&g0.tab=1", { heading: "Query", shows: both(expression("up"), tab("Table")) }],
  ["/graph?g0.expr=up&g0.tab=0&g0.range_input=5m", { heading: "Query", shows: both(expression("up"), tab("Graph")) }],
  ["/classic/graph?g0.expr=up%20%3D%3D%201&g0.tab=1", { heading: "Query", shows: expression("up == 1") }],
  ["/new/graph?g0.expr=up", { heading: "Query", shows: expression("up") }],
  [
    "/graph?g0.expr=up&g0.tab=1&g0.end_input=2026-01-02%2003%3A04%3A05&g0.range_input=1h30m",
    {
      heading: "Query",
      shows: both(tab("Table"), time("Range", "1h30m"), time("Time (UTC)", "2026-01-02 03:04:05")),
    },
  ],
  ["/query?g0.expr=vector(1)&g0.tab=table", { heading: "Query", shows: expression("vector(1)") }],
  ["/vmui/#/?g0.expr=up&g0.range_input=30m", { heading: "Query", shows: expression("up") }],
  [
    "/vmui/#/?g0.expr=up&g0.range_input=5m&g0.end_input=2020-01-01T00%3A00%3A00&g0.relative_time=last_3_hours",
    { heading: "Query", shows: both(expression("up"), tab("Graph"), time("Range", "3h"), time(end, "now")) },
  ],
  ["/vmui/#/cardinality", { heading: "Metrics" }],
  ["/vmui/#/top-queries", { heading: "Query log" }],
  ["/alerts?search=node&state=pending", { heading: "Alerts now", shows: both(chip("node"), chip("@state:pending")) }],
  ["/rules?search=node&health=err", { heading: "Rules", shows: both(chip("node"), chip("@health:err")) }],
  ["/targets?search=x&health=down", { heading: "Targets", shows: both(chip("x"), chip("@health:down")) }],
  ["/targets#pool-keepwatch", { heading: "Targets", shows: chip("@pool:keepwatch") }],
  ["/classic/targets?search=x", { heading: "Targets", shows: chip("x") }],
  ["/service-discovery?search=x", { heading: "Discovery", shows: chip("x") }],
  [
    "/service-discovery?pool=keepwatch&state=dropped",
    { heading: "Discovery", shows: both(chip("@pool:keepwatch"), chip("@outcome:dropped")) },
  ],
  ["/tsdb-status", { heading: "Storage" }],
  ["/flags?search=retention", { heading: "Flags", shows: chip("retention") }],
  ["/config", { heading: "Configuration" }],
  ["/status", { heading: "Overview" }],
  ["/agent", { heading: "Overview" }],
  ["/alertmanager-discovery", { heading: "Peers" }],
  [
    "/#/alerts?filter=%7Balertname%3D%22X%22%7D&receiver=team&silenced=true",
    {
      heading: "Alerts now",
      shows: both(chip('{alertname="X"}'), chip("@receiver:team"), chip("@state:firing,silenced")),
    },
  ],
  ["/#/silences", { heading: "Silences" }],
  ["/#/silences?filter=%7Ba%3D%22b%22%7D", { heading: "Silences", shows: chip('{a="b"}') }],
  ["/silences/new?filter=%7Ba%3D%22b%22%7D", { heading: "New silence", shows: matcher("a", "b") }],
  [
    "/#/silences/new?filter=%7Balertname%3D%22X%20Y%22%2Cjob%3D~%22a%7Cb%22%7D&comment=because",
    { heading: "New silence", shows: both(matcher("alertname", "X Y"), field("Comment", "because")) },
  ],
  ["/#/silences/0b9f4e1c-0000-4000-8000-000000000000", { heading: "Silence", shows: says("is not there") }],
  ["/#/silences/0b9f4e1c-0000-4000-8000-000000000000/edit", { heading: "Change the silence" }],
  ["/alertmanager/#/alerts", { heading: "Alerts now", shows: chip("@state:firing") }],
  ["/alertmanager/", { heading: "Alerts now" }],
  ["/alertmanager/silences?q=x", { heading: "Silences", shows: chip("x") }],
  [
    "/#/alerts?filter=%7Bjob%3D~%22.+%22%7D&customGrouping=true&group=job",
    { heading: "Alerts now", shows: chip('{job=~".+"}') },
  ],
  ["/#/status", { heading: "Overview" }],
  ["/#/settings", { heading: "Overview", shows: (page) => page.getByRole("dialog", { name: "Settings" }).waitFor() }],
  [
    "/routing?labels=%7Ba%3D%22b%22%7D",
    { heading: "Routing", shows: (page) => page.getByText("It goes to").waitFor() },
  ],
  // Places of pages whose back end is not there.
  ["/blocks?min-time=1", { heading: "This page is not there yet" }],
  ["/loaded", { heading: "This page is not there yet" }],
  ["/stores", { heading: "This page is not there yet" }],
];

test("below /alertmanager everything is there that an Alertmanager has, for a proxy that knows no more", async () => {
  const server = await startServer();
  // As a proxy does that passes on nothing else.
  const { page, problems, close } = await open(browser, "about:blank");
  await page.route(`${server.url}/**`, (route) =>
    new URL(route.request().url()).pathname.startsWith("/alertmanager/")
      ? route.continue()
      : route.fulfill({ status: 404, body: "not passed on" }),
  );
  try {
    await page.goto(`${server.url}/alertmanager/#/silences`);
    await page.getByRole("heading", { name: "Silences", level: 1, exact: true }).waitFor();
    await page.getByText("No silences").waitFor();
    expect(new URL(page.url()).pathname).toBe("/alertmanager/silences");
    await page.reload();
    await page.getByText("No silences").waitFor();
    await page.getByRole("link", { name: "Routing", exact: true }).click();
    await page.getByRole("heading", { name: "Routing", level: 1, exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "Targets", exact: true }).count()).toBe(0);
    expect(problems).toEqual([]);
  } finally {
    await close();
    await server.stop();
  }
});

describe.each(["", "/some/prefix"])("below %j", (prefix) => {
  let server: Running;
  beforeAll(async () => {
    server = await startServer(prefix);
  });
  afterAll(() => server?.stop());

  test.each(links)("%s", async (link, { heading, shows }) => {
    const { page, problems, close } = await open(browser, `${server.url}${prefix}${link}`);
    try {
      await page.getByRole("heading", { name: heading, level: 1, exact: true }).waitFor({ timeout: 15_000 });
      await shows?.(page);
      // Old paths stay as they are until somebody changes something. Fragments are translated, and the server
      // sends /graph to /query, as the peer does.
      if (!link.includes("#/") && !link.endsWith("/")) {
        const url = new URL(page.url());
        expect(url.pathname + url.search + url.hash).toBe(`${prefix}${link.replace(/^\/graph/, "/query")}`);
      }
      expect(problems).toEqual([]);
    } finally {
      await close();
    }
  });
});

test("machines keep their paths", async () => {
  const server = await startServer();
  try {
    for (const path of [
      "/metrics",
      "/federate",
      "/version",
      "/-/healthy",
      "/api/v1/status/buildinfo",
      "/api/v1/openapi.yaml",
    ]) {
      const answer = await fetch(server.url + path);
      expect(answer.status, path).toBe(200);
      expect(answer.headers.get("content-type"), path).not.toContain("text/html");
    }
    for (const path of ["/debug/pprof/", "/consoles/x", "/static/x", "/assets/x.js", "/nowhere", "/api/v1/nope"]) {
      expect((await fetch(server.url + path)).status, path).toBe(404);
    }
    const page = await fetch(`${server.url}/query`);
    expect(page.headers.get("content-security-policy")).toMatch(/script-src 'self';/);
    const again = await fetch(`${server.url}/query`, { headers: { "if-none-match": page.headers.get("etag") ?? "" } });
    expect(again.status).toBe(304);
  } finally {
    await server.stop();
  }
});
