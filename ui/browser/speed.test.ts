// How fast pages are, as Chromium's own performance API says, beside Prometheus' pages where they are installed. It is
// a recording: figures go to a file and are printed, and no time is asserted, since the machine has other work. What
// is asserted is that the pages show what was measured.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, startServer, until } from "./support";

const many = 10_000;
const series = 50;
const points = 1000;
const stepSeconds = 15;
const recordPath = process.env.SPEED_RECORD ?? resolve(import.meta.dirname, "../../target/ui-speed.json");

let browser: Browser;
let folder: string;
let keepwatch: Running;
let prometheus: Running | null = null;
const endSeconds = Math.floor(Date.now() / 1000) - 3600;
const startSeconds = endSeconds - (points - 1) * stepSeconds;

interface Figure {
  what: string;
  keepwatchMs: number | string;
  prometheusMs: number | string | null;
  /** Null where none is set. */
  budgetMs: number | null;
}
const figures: Figure[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "keepwatch-speed-"));
  const config = writeInput();
  [browser, keepwatch] = await Promise.all([
    launch(),
    startServer("", [`--config.file=${config}`, "--web.enable-admin-api"]),
  ]);
  await keepSamples();
  prometheus = await startPrometheus(config);
});

afterAll(async () => {
  await browser?.close();
  await keepwatch?.stop();
  await prometheus?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Rules and targets for both; nothing is evaluated or scraped while it is measured, or hardly. */
function writeInput(): string {
  const groups = Array.from({ length: many / 100 }, (_, group) => {
    const rules = Array.from({ length: 100 }, (_, rule) => {
      const name = `Rule${group * 100 + rule}`;
      return `  - {alert: ${name}, expr: 'metric_${rule} > ${group}', for: 5m, labels: {team: t${rule % 7}}, annotations: {summary: "${name} is high"}}\n`;
    });
    return `- name: group${group}\n  interval: 1d\n  rules:\n${rules.join("")}`;
  });
  writeFileSync(join(folder, "rules.yml"), `groups:\n${groups.join("")}`);
  const targets = Array.from({ length: many / 100 }, (_, pool) => {
    const addresses = Array.from({ length: 100 }, (_, at) => `'127.0.0.1:${20_000 + pool * 100 + at}'`);
    return `    - targets: [${addresses.join(", ")}]\n      labels: {team: 't${pool % 7}', shelf: 's${pool}'}\n`;
  });
  const config = join(folder, "prometheus.yml");
  const job = "scrape_configs:\n- job_name: many\n  scrape_interval: 1d\n  static_configs:\n";
  writeFileSync(config, `rule_files: [rules.yml]\n${job}${targets.join("")}`);
  return config;
}

function openMetrics(): string {
  const lines = ["# TYPE wave gauge"];
  for (let one = 0; one < series; one += 1)
    for (let point = 0; point < points; point += 1) {
      const value = (Math.sin(point / 40 + one / 5) * 100 + one * 3).toFixed(3);
      lines.push(`wave{line="${one}"} ${value} ${startSeconds + point * stepSeconds}`);
    }
  return `${lines.join("\n")}\n# EOF\n`;
}

/** Through the API, since it runs already. */
async function keepSamples(): Promise<void> {
  const headers = { "content-type": "application/openmetrics-text" };
  const body = openMetrics();
  const answer = await fetch(`${keepwatch.url}/api/keepwatch/v1/import`, { method: "POST", headers, body });
  expect(answer.status, await answer.text()).toBe(200);
}

async function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? "").split(":").some((path) => existsSync(join(path, command)));
}

/** The same rules, targets and samples. Null where it is not installed. */
async function startPrometheus(config: string): Promise<Running | null> {
  if (!isInstalled("prometheus") || !isInstalled("promtool")) return null;
  const data = join(folder, "prometheus");
  writeFileSync(join(folder, "samples.txt"), openMetrics());
  const backfill = ["tsdb", "create-blocks-from", "openmetrics", join(folder, "samples.txt"), data];
  execFileSync("promtool", backfill, { stdio: "ignore" });
  const port = await freePort();
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`];
  const child = spawn("prometheus", flags, { stdio: "ignore" });
  const stop = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await until("Prometheus is ready", async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok ?? false);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop, demo: async () => undefined, output: () => "" };
}

const round = (ms: number) => Math.round(ms * 10) / 10;

interface Shown {
  /** The first contentful paint. */
  paintMs: number;
  /** The frame in which what was asked for is there. */
  shownMs: number;
}

/** Both from the start of the navigation. */
async function load(page: Page, url: string, selector: string): Promise<Shown> {
  await page.addInitScript((wanted) => {
    const look = () => {
      if (document.querySelector(wanted) === null) requestAnimationFrame(look);
      else requestAnimationFrame(() => setTimeout(() => performance.measure("test:shown", { start: 0 }), 0));
    };
    look();
  }, selector);
  await page.goto(url);
  const read = () => ({
    paintMs: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    shownMs: performance.getEntriesByName("test:shown")[0]?.duration ?? 0,
  });
  await until(`${selector} at ${url}`, async () => {
    const { paintMs, shownMs } = await page.evaluate(read);
    return paintMs > 0 && shownMs > 0;
  });
  const { paintMs, shownMs } = await page.evaluate(read);
  return { paintMs: round(paintMs), shownMs: round(shownMs) };
}

/** The shortest that is reported of an event; Chromium rounds to 8 ms. */
const eventMsMin = 16;

/** From each key to the next paint, by the Event Timing API: the median and the longest. */
async function keyToPaint(page: Page, word: string): Promise<{ medianMs: number; maxMs: number }> {
  await page.evaluate((threshold) => {
    const seen: number[] = [];
    (window as unknown as { keys: number[] }).keys = seen;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "keydown") seen.push(entry.duration);
    }).observe({ type: "event", durationThreshold: threshold } as PerformanceObserverInit);
  }, eventMsMin);
  // As fast as people type, so that answers of the server come in between.
  await page.keyboard.type(word, { delay: 90 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300))));
  const seen = await page.evaluate(() => (window as unknown as { keys: number[] }).keys);
  const all = [...seen, ...Array<number>(Math.max(word.length - seen.length, 0)).fill(eventMsMin)];
  all.sort((a, b) => a - b);
  return { medianMs: all[Math.floor(all.length / 2)] ?? 0, maxMs: all[all.length - 1] ?? 0 };
}

/** Null where there is no Prometheus. */
async function loadPeer(path: string, selector: string): Promise<Shown | null> {
  if (prometheus === null) return null;
  const { page, close } = await open(browser, "about:blank");
  const shown = await load(page, prometheus.url + path, selector);
  await close();
  return shown;
}

test.each([
  { of: "rules", path: "/rules", peer: "/classic/rules", word: "Rule9999", found: "Rule9999" },
  { of: "targets", path: "/targets", peer: "/classic/targets", word: "29999", found: "127.0.0.1:29999" },
])("ten thousand $of", async ({ of, path, peer, word, found }) => {
  const { page, problems, close } = await open(browser, "about:blank");
  const ours = await load(page, keepwatch.url + path, "tr.item");
  await page.locator(".list-counts", { hasText: /^10.000 rows$/ }).waitFor();
  await page.locator("[data-filter]").focus();
  const { medianMs, maxMs } = await keyToPaint(page, word);
  await page.locator(".list-counts", { hasText: /^1 of 10.000 rows$/ }).waitFor();
  await page.getByText(found).first().waitFor();
  expect(medianMs).toBeGreaterThan(0);
  expect(problems).toEqual([]);
  await close();
  const theirs = await loadPeer(peer, "table td");
  const [what, keys] = [`10,000 ${of}`, `${medianMs}, at most ${maxMs}`];
  figures.push(
    { what: `first paint, ${what}`, keepwatchMs: ours.paintMs, prometheusMs: theirs?.paintMs ?? null, budgetMs: 1000 },
    { what: `rows shown, ${what}`, keepwatchMs: ours.shownMs, prometheusMs: theirs?.shownMs ?? null, budgetMs: null },
    // Its page has no filter.
    { what: `key to paint, ${what}`, keepwatchMs: keys, prometheusMs: null, budgetMs: 100 },
  );
});

test("fifty lines of a thousand points", async () => {
  const range = `${(points - 1) * stepSeconds}s`;
  const end = encodeURIComponent(new Date(endSeconds * 1000).toISOString().slice(0, 19).replace("T", " "));
  const asked = `g0.expr=wave&g0.range_input=${range}&g0.end_input=${end}&g0.step_input=${stepSeconds}`;
  const url = `${keepwatch.url}/query?${asked}&g0.tab=graph`;
  const drawn = () => performance.getEntriesByName("keepwatch:plot")[0]?.duration ?? 0;
  const times: Array<{ paintMs: number; drawMs: number }> = [];
  // The middle of three, each in a browser that has seen nothing yet.
  for (let time = 0; time < 3; time += 1) {
    const { page, problems, close } = await open(browser, "about:blank");
    const { paintMs } = await load(page, url, ".plot canvas");
    await page.getByText(`· ${series} series`).first().waitFor();
    await until("it is drawn", async () => (await page.evaluate(drawn)) > 0);
    times.push({ paintMs, drawMs: round(await page.evaluate(drawn)) });
    expect(problems).toEqual([]);
    await close();
  }
  const middle = (of: "paintMs" | "drawMs") => times.map((time) => time[of]).sort((a, b) => a - b)[1] ?? 0;
  // All points are there, and not only some.
  const query = `query=count_over_time(wave[${range}])&start=${endSeconds}&end=${endSeconds}&step=1`;
  const answered = await fetch(`${keepwatch.url}/api/v1/query_range?${query}`);
  const { data } = (await answered.json()) as { data: { result: Array<{ values: Array<[number, string]> }> } };
  expect(data.result).toHaveLength(series);
  expect(Number(data.result[0]?.values[0]?.[1])).toBeGreaterThanOrEqual(points - 1);
  const peer = await loadPeer("/classic/graph", "form");
  figures.push(
    {
      what: "drawing 50 lines of 1,000 points",
      keepwatchMs: middle("drawMs"),
      prometheusMs: await peerDrawing(asked),
      budgetMs: 50,
    },
    { what: "first paint, Query", keepwatchMs: middle("paintMs"), prometheusMs: peer?.paintMs ?? null, budgetMs: 1000 },
  );
});

/** From the end of the answer to the frame after it, which draws: the page measures nothing itself. */
async function peerDrawing(asked: string): Promise<number | null> {
  if (prometheus === null) return null;
  const { page, close } = await open(browser, "about:blank");
  await page.addInitScript(() => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (!entry.name.includes("query_range")) continue;
        const { responseEnd } = entry as PerformanceResourceTiming;
        const look = () => {
          if (document.querySelectorAll("svg path").length > 1)
            requestAnimationFrame(() => setTimeout(() => performance.measure("peer:plot", { start: responseEnd }), 0));
          else requestAnimationFrame(look);
        };
        look();
      }
    }).observe({ type: "resource", buffered: true });
  });
  await page.goto(`${prometheus.url}/classic/graph?${asked}&g0.tab=0`);
  const drawn = () => performance.getEntriesByName("peer:plot")[0]?.duration ?? 0;
  await until("Prometheus has drawn", async () => (await page.evaluate(drawn)) > 0);
  const ms = round(await page.evaluate(drawn));
  await close();
  return ms;
}

test("the figures are kept", () => {
  expect(figures).toHaveLength(8);
  mkdirSync(resolve(recordPath, ".."), { recursive: true });
  const about = { chromium: browser.version(), at: new Date().toISOString(), figures };
  writeFileSync(recordPath, `${JSON.stringify(about, null, 2)}\n`);
  console.table(figures);
});
