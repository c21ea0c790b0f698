// Every page with the worst that labels, names and values can be: nothing of it is executed, nothing sticks out at 320
// pixels or at 200 % zoom, and the keyboard gets through each page and out of what it opens.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { addSilence, launch, open, type Running, send, startServer, until, violations } from "./support";

let browser: Browser;
let server: Running;
let folder: string;
const ids = { SILENCE: "", ALERT: "" };

const markup = "<img src=x onerror=window.hacked=1>";
const script = "</script><script>window.hacked=1</script>";
const bidi = "\u202eright to left\u2066";
const long = "x".repeat(10_000);
const link = "javascript:window.hacked=1";
const values = ["NaN", "+Inf", "-Inf", "1.7976931348623157e308", "5e-324", "-0", "9007199254740993"];
const nowSeconds = Math.floor(Date.now() / 1000);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "keepwatch-hostile-"));
  const yaml = (text: string) => JSON.stringify(text);
  writeFileSync(
    join(folder, "rules.yml"),
    `groups:
- name: ${yaml(`${markup} ${bidi}`)}
  rules:
  - alert: ${yaml(markup)}
    expr: hostile
    labels: {script: ${yaml(script)}, bidi: ${yaml(bidi)}, long: ${yaml(long)}}
    annotations: {summary: ${yaml(`${script} {{ $value }}`)}, runbook_url: ${yaml(link)}}
  - record: hostile:recorded
    expr: hostile * 2 # ${"very ".repeat(500)}long
`,
  );
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    `global: {evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- job_name: ${yaml(`${markup}${bidi}`)}
  scrape_interval: 1s
  static_configs:
  - targets: ['127.0.0.1:9']
    labels: {script: ${yaml(script)}, bidi: ${yaml(bidi)}, long: ${yaml(long)}, url: ${yaml(link)}}
  - targets: ['127.0.0.1:10']
    labels: {dropped: "yes", markup: ${yaml(markup)}}
  relabel_configs:
  - {source_labels: [dropped], regex: "yes", action: drop}
`,
  );
  [browser, server] = await Promise.all([
    launch(),
    startServer("", [`--config.file=${config}`, "--web.enable-admin-api", "--web.enable-lifecycle"]),
  ]);
  // Through the API, a few points each, up to now.
  const lines = values.flatMap((value, index) =>
    [120, 60, 0].map(
      (age) => `hostile{value="${value}",n="${index}",markup="${markup}",bidi="${bidi}"} ${value} ${nowSeconds - age}`,
    ),
  );
  const named = `{"${markup}"} 1 ${nowSeconds}\n{"${bidi}",long="${long}"} 1e300 ${nowSeconds}`;
  const answer = await fetch(`${server.url}/api/keepwatch/v1/import`, {
    method: "POST",
    headers: { "content-type": "application/openmetrics-text" },
    body: `# TYPE hostile gauge\n${lines.join("\n")}\n${named}\n# EOF\n`,
  });
  expect(answer.status, await answer.text()).toBe(200);
  const labels = { alertname: markup, script, bidi, long, lines: "a\nb\r\n\tc\u0000" };
  const posted = { labels, annotations: { summary: script, runbook_url: link }, generatorURL: link };
  await send(`${server.url}/api/v2/alerts`, [posted]);
  const comment = `${script} ${bidi} ${link} ${long.slice(0, 3000)}`;
  ids.SILENCE = await addSilence(server, { matchers: Object.entries(labels), comment, minutes: 60 });
  await until("the alerts of the rule", async () => {
    const alerts = (await (await fetch(`${server.url}/api/v2/alerts`)).json()) as Array<{ fingerprint: string }>;
    ids.ALERT = alerts[0]?.fingerprint ?? "";
    return alerts.length > values.length;
  });
  await until("the target is scraped", async () =>
    (await (await fetch(`${server.url}/api/v1/targets`)).text()).includes("refused"),
  );
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const range = "g0.range_input=10m";
const utf8 = encodeURIComponent(`{"${markup}"}`);
/** With what shows that the data is there. */
const pages: ReadonlyArray<readonly [string, string, string | RegExp]> = [
  ["overview", "/status", "Needs attention"],
  ["a table", `/query?g0.expr=hostile&g0.tab=table&${range}`, /7 rows/],
  ["a graph", `/query?g0.expr=hostile&g0.tab=graph&${range}`, /7 series/],
  ["a stacked graph", `/query?g0.expr=hostile&g0.tab=graph&g0.stacked=1&${range}`, /7 series/],
  ["a heatmap", `/query?g0.expr=hostile&g0.tab=graph&g0.display_mode=heatmap&${range}`, /7 series/],
  ["a name of any letters", `/query?g0.expr=${utf8}&g0.tab=table`, /1 rows/],
  ["explain", "/query?g0.expr=sum%20by%20(bidi)%20(hostile)&g0.tab=explain", "sum"],
  ["cost", "/query?g0.expr=hostile&g0.tab=cost", "hostile"],
  ["metrics", "/explore/metrics", markup],
  ["an opened metric", `/explore/metrics?open=${encodeURIComponent(markup)}`, markup],
  ["query log", "/queries", "Query log"],
  ["alerts", "/alerts", markup],
  ["alerts by labels", "/alerts?by=labels&group=bidi,script", markup],
  ["alerts by rule", "/alerts?by=rule", markup],
  ["an opened alert", "/alerts?by=alert&open=ALERT", markup],
  ["an alert", "/alert/ALERT", markup],
  ["rules", "/rules", markup],
  ["timeline", "/timeline", markup],
  ["silences", "/silences", "window.hacked"],
  ["a silence", "/silences/SILENCE", "window.hacked"],
  ["a silence that is changed", "/silences/SILENCE/edit", "Save the change"],
  [
    "a new silence",
    `/silences/new?filter=${encodeURIComponent(`{alertname="${markup}",bidi="${bidi}"}`)}`,
    "would be hidden",
  ],
  [
    "routing",
    `/routing?labels=${encodeURIComponent(`{alertname="${markup}",long="${long.slice(0, 3000)}"}`)}`,
    "It goes to",
  ],
  ["comparing", "/routing?view=compare", "Compare"],
  ["targets", "/targets", "127.0.0.1:9"],
  ["discovery", "/discovery", "127.0.0.1:10"],
  ["why, an address", "/why?q=127.0.0.1", "127.0.0.1:10"],
  ["why, markup", `/why?q=${encodeURIComponent(markup)}`, markup],
  ["storage", "/storage", "Storage"],
  ["configuration", "/config", "scrape_configs"],
  ["flags", "/flags", "storage.tsdb.path"],
  ["peers", "/peers", "Peers"],
];

const filled = (path: string) => path.replace("SILENCE", ids.SILENCE).replace("ALERT", ids.ALERT);

/** What sticks out, if anything does. */
function sticksOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const all = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > width + 1);
    return [
      `${document.documentElement.scrollWidth} of ${width}`,
      ...all.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)),
    ];
  });
}

async function isHarmless(page: Page): Promise<void> {
  expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
  expect(await page.locator("main img, main script").count()).toBe(0);
}

test.each(pages)("%s: harmless, also at 320 pixels and at 200 percent", async (_, path, shows) => {
  const { page, problems, close } = await open(browser, server.url + filled(path));
  await page.getByText(shows).first().waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
  await isHarmless(page);
  // Of a value of ten thousand letters not all are shown, wherever it stands; a field to change it has all.
  const letters = (await page.locator("main").textContent()) ?? "";
  if (!path.startsWith("/config") && !path.includes("edit")) expect(letters).not.toContain("x".repeat(4000));
  expect(await violations(page)).toEqual([]);
  // At 200 % a window of 1280 pixels has room for 640.
  for (const width of [640, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await vi.waitFor(async () => expect(await sticksOut(page), `${width}`).toEqual([]));
  }
  await isHarmless(page);
  expect(problems).toEqual([]);
  await close();
});

interface Stop {
  what: string;
  isSeen: boolean;
  /** Order in the document, from the start of the page. */
  at: number;
}

/** What has the focus. */
function focused(page: Page): Promise<Stop | null> {
  return page.evaluate(() => {
    const one = document.activeElement;
    if (one === null || one === document.body) return null;
    // Of a choice of ours the label is what is seen; it has the ring too.
    const seen = (one as HTMLInputElement).labels?.[0] ?? one;
    const { width, height } = seen.getBoundingClientRect();
    const at = [...document.querySelectorAll("*")].indexOf(one);
    return {
      what: `${(one as HTMLInputElement).type ?? ""} ${one.outerHTML.slice(0, 160)}`,
      isSeen: width > 0 && height > 0,
      at,
    };
  });
}

const stopsMax = 400;
/** The browser's own field of a date and time has a stop for each part. */
const partsMax = 10;

test.each(pages)("%s: Tab goes through and out of it", async (_, path, shows) => {
  const { page, problems, close } = await open(browser, server.url + filled(path));
  await page.getByText(shows).first().waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
  // What moves by itself would move the places.
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const stops: Stop[] = [];
  for (;;) {
    await page.keyboard.press("Tab");
    const stop = await focused(page);
    // Out at the end: the browser's own controls come next.
    if (stop === null) break;
    stops.push(stop);
    const back = stop.what.includes("datetime-local") ? partsMax : 1;
    expect(stops[stops.length - 1 - back]?.at === stop.at, `caught at ${stop.what}`).toBe(false);
    expect(stop.isSeen, stop.what).toBe(true);
    expect(stops.length, "no end").toBeLessThan(stopsMax);
  }
  expect(
    stops.some(({ what }) => what.includes("skip")),
    "the way past the navigation",
  ).toBe(true);
  // And back from the end.
  await page.keyboard.press("Shift+Tab");
  expect(await focused(page)).not.toBeNull();
  expect(problems).toEqual([]);
  await close();
});

test.each(["/alerts", "/query?g0.expr=hostile&g0.tab=table", "/targets"])(
  "menus and dialogs of %s open with Enter, close with Escape and give the focus back",
  async (path) => {
    const { page, problems, close } = await open(browser, server.url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    for (const button of await page.locator("[aria-haspopup=menu]").all()) {
      await button.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("menu").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("menu").waitFor({ state: "detached" });
      expect(await button.evaluate((one) => one === document.activeElement)).toBe(true);
    }
    for (const name of ["Search", "Keys", "Settings"]) {
      const button = page.getByRole("banner").getByRole("button", { name, exact: false });
      await button.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      // The focus stays within while it is open.
      for (let press = 0; press < 12; press += 1) {
        await page.keyboard.press("Tab");
        const isWithin = () => document.activeElement?.closest("[role=dialog]") !== null;
        expect(await page.evaluate(isWithin), name).toBe(true);
      }
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await expect.poll(() => button.evaluate((one) => one === document.activeElement), { message: name }).toBe(true);
    }
    expect(problems).toEqual([]);
    await close();
  },
);
