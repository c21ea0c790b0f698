// What arrives with native histograms and exemplars is seen on the Query page.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shoot } from "./pictures";
import { launch, open, type Running, send, startServer, until, violations } from "./support";

let browser: Browser;
let server: Running;
let folder: string;
let end: number;

const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });

/** A request duration as OpenTelemetry's programs send it: ten points, each with more in its buckets. */
function metrics(endSeconds: number) {
  const dataPoints = Array.from({ length: 10 }, (_, index) => {
    const nanos = `${endSeconds - (9 - index) * 15}000000000`;
    return {
      attributes: [attribute("path", "/a")],
      startTimeUnixNano: `${endSeconds - 600}000000000`,
      timeUnixNano: nanos,
      count: String((index + 1) * 10),
      sum: (index + 1) * 6,
      scale: 0,
      zeroCount: "0",
      positive: { offset: -3, bucketCounts: ["1", "2", "4", "3"].map((count) => String(Number(count) * (index + 1))) },
      exemplars: [
        {
          timeUnixNano: nanos,
          asDouble: 0.2 + index / 10,
          filteredAttributes: [
            attribute("trace", `https://traces.example.org/${index}`),
            attribute("user", "<b>x</b>"),
          ],
        },
      ],
    };
  });
  const metric = { name: "took_seconds", exponentialHistogram: { aggregationTemporality: 2, dataPoints } };
  const resource = { attributes: [attribute("service.name", "shop")] };
  return {
    resourceMetrics: [
      { resource, scopeMetrics: [{ scope: {}, metrics: [metric, classic(endSeconds), slowing(endSeconds)] }] },
    ],
  };
}

/** Sizes of two paths with buckets of fixed bounds, which become series with `le`. */
function classic(endSeconds: number) {
  const point = (path: string, index: number) => ({
    attributes: [attribute("path", path)],
    startTimeUnixNano: `${endSeconds - 600}000000000`,
    timeUnixNano: `${endSeconds - (9 - index) * 15}000000000`,
    count: String((index + 1) * 10),
    sum: (index + 1) * 60,
    explicitBounds: [1, 10, 100],
    bucketCounts: ["1", "2", "6", "1"].map((count) => String(Number(count) * (index + 1))),
  });
  const dataPoints = ["/a", "/b"].flatMap((path) => Array.from({ length: 10 }, (_, index) => point(path, index)));
  return { name: "size_things", histogram: { aggregationTemporality: 2, dataPoints } };
}

/** Requests that become slow for a while: a metric to look at. */
function slowing(endSeconds: number) {
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const counts = [...bounds, Number.POSITIVE_INFINITY].map(() => 0);
  const dataPoints = Array.from({ length: 90 }, (_, index) => {
    const usual = 0.04 * (index > 40 && index < 70 ? 20 : 1);
    counts.forEach((count, bucket) => {
      const distance = Math.log((bounds[bucket] ?? 20) / usual) / Math.log(2.5);
      counts[bucket] = count + Math.round(400 * Math.exp(-(distance ** 2)) * (1 + 0.3 * Math.sin(index / 3)));
    });
    return {
      attributes: [attribute("path", "/pay")],
      startTimeUnixNano: `${endSeconds - 600}000000000`,
      timeUnixNano: `${endSeconds - (89 - index) * 5}000000000`,
      count: String(counts.reduce((sum, count) => sum + count, 0)),
      explicitBounds: bounds,
      bucketCounts: counts.map(String),
    };
  });
  return { name: "request_duration_seconds", histogram: { aggregationTemporality: 2, dataPoints } };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "keepwatch-otlp-"));
  const config = join(folder, "prometheus.yml");
  writeFileSync(config, "global: {}\n");
  const flags = [`--config.file=${config}`, "--web.enable-otlp-receiver", "--enable-feature=exemplar-storage"];
  [browser, server] = await Promise.all([launch(), startServer("", flags)]);
  end = Math.floor(Date.now() / 1000);
  await send(`${server.url}/api/v1/otlp/v1/metrics`, metrics(end));
  await until("the samples are there", async () =>
    (await (await fetch(`${server.url}/api/v1/query?query=took_seconds`)).text()).includes('"buckets"'),
  );
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function graph(expression: string, more = ""): string {
  const moment = new Date(end * 1000).toISOString().slice(0, 19).replace("T", " ");
  const query = new URLSearchParams({ "g0.expr": expression, "g0.tab": "graph", "g0.range_input": "5m" });
  return `${server.url}/query?${query}&g0.end_input=${encodeURIComponent(moment)}${more}`;
}

test("exemplars are marks over the graph, with their labels and links", async () => {
  const { page, problems, close } = await open(browser, graph("histogram_quantile(0.9, took_seconds)"));
  await page.getByRole("img", { name: /1 series from/ }).waitFor();
  expect(await page.locator(".exemplar").count()).toBe(0);
  await page.getByRole("switch", { name: "Exemplars" }).click();
  await expect.poll(() => page.locator(".exemplar").count()).toBe(10);
  expect(new URL(page.url()).searchParams.get("g0.show_exemplars")).toBe("1");
  await page.getByText(/^◇ 10 exemplars; .* from 0\.2 at the bottom to 1\.1 at the top$/).waitFor();

  const bar = page.getByRole("region", { name: "Exemplars" });
  await page.locator(".exemplar").nth(2).hover();
  await bar.getByText("3 of 10").waitFor();
  expect(await bar.getByRole("link").getAttribute("href")).toBe("https://traces.example.org/2");
  await bar.getByText("<b>x</b>").waitFor();
  // The keyboard's way.
  await bar.getByRole("button", { name: "Later exemplar" }).focus();
  await page.keyboard.press("Enter");
  await bar.getByText("4 of 10").waitFor();
  expect(await bar.getByRole("link").getAttribute("href")).toBe("https://traces.example.org/3");
  await bar.getByText("took_seconds{").waitFor();

  // A mark is where its time is: the newest at the right edge of the lines.
  const area = await page.locator(".plot-marks").boundingBox();
  const over = await page.locator(".u-over").boundingBox();
  for (const side of ["x", "y", "width", "height"] as const)
    expect(Math.abs((area?.[side] ?? 0) - (over?.[side] ?? 99))).toBeLessThan(2);
  const newest = await page.locator(".exemplar").last().boundingBox();
  expect(Math.abs((newest?.x ?? 0) + (newest?.width ?? 0) / 2 - ((over?.x ?? 0) + (over?.width ?? 0)))).toBeLessThan(3);

  expect(await violations(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  expect(problems).toEqual([]);
  await close();
});

test("a link with exemplars of a query that has none", async () => {
  const { page, problems, close } = await open(browser, graph("vector(1)", "&g0.show_exemplars=1"));
  await page.getByText("There are no exemplars of these series in this range.").waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("native histograms are a heatmap, a table and a sentence", async () => {
  const { page, problems, close } = await open(browser, graph("took_seconds", "&g0.show_exemplars=1"));
  // The last and fullest: 4 of 10, tenfold.
  const chart = page.getByRole("img", {
    name: /^Heatmap of took_seconds\{.*4 buckets from 0\.125 to 2\. Most are 40, in \(0\.5, 1\]/,
  });
  await chart.waitFor();
  const table = page.getByRole("table", { name: /^Buckets: took_seconds/ });
  expect(await table.getByRole("row").count()).toBe(5);
  await table.getByRole("row", { name: /^\(0\.5, 1\] 40 .* 40$/ }).waitFor();
  expect(
    await page
      .getByRole("list", { name: /^Colours/ })
      .getByRole("listitem")
      .allTextContents(),
  ).toEqual([" 2.5", " 10", " 22.5", " 40"]);
  await expect.poll(() => page.locator(".exemplar").count()).toBeGreaterThan(5);

  // Under the pointer: the time, the bucket and its count.
  const over = await page.locator(".u-over").boundingBox();
  if (!over) throw new Error("there is no plot");
  const hint = page.locator(".plot-hint");
  await page.mouse.move(over.x + over.width - 2, over.y + over.height * 0.45);
  await expect.poll(() => hint.textContent()).toContain("0.5 … 1 · 40");
  // Cells are painted there, and nothing is before the first sample.
  const colors = await page.evaluate(() => {
    const canvas = document.querySelector("canvas");
    const area = document.querySelector(".u-over");
    if (!canvas || !area) return [];
    const [at, whole] = [area.getBoundingClientRect(), canvas.getBoundingClientRect()];
    const scale = canvas.width / whole.width;
    const alpha = (x: number, y: number) =>
      canvas.getContext("2d")?.getImageData((at.left - whole.left + x) * scale, (at.top - whole.top + y) * scale, 1, 1)
        .data[3];
    return [alpha(at.width - 3, at.height * 0.4), alpha(at.width * 0.1, at.height * 0.4)];
  });
  expect(colors).toEqual([255, 0]);
  expect(await violations(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  expect(problems).toEqual([]);
  await close();
});

test("classic histograms become a heatmap where one is chosen", async () => {
  const { page, problems, close } = await open(browser, graph("size_things_bucket"));
  await page.getByRole("img", { name: /^8 series from/ }).waitFor();
  await page.getByText("Heatmap", { exact: true }).click();
  // Of two paths: what to do is said and done, and the lines stay.
  await page.getByText(/several, told apart by path\. Add them up with sum by \(le\)/).waitFor();
  await page.getByRole("img", { name: /^8 series from/ }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Add them up" }).click();

  const chart = page.getByRole("img", {
    name: /^Heatmap of .*4 buckets from -Inf to \+Inf\. Most are 120, in \(10, 100\]/,
  });
  await chart.waitFor();
  const address = new URL(page.url()).searchParams;
  expect([address.get("g0.expr"), address.get("g0.display_mode")]).toEqual([
    "sum by (le) (size_things_bucket)",
    "heatmap",
  ]);
  const table = page.getByRole("table", { name: /^Buckets: / });
  await table.getByRole("row", { name: /^\(10, 100\] 120 .* 120$/ }).waitFor();
  await table.getByRole("row", { name: /^\(100, \+Inf\] 20 .* 20$/ }).waitFor();
  expect(await page.getByRole("img", { name: /series from/ }).count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  expect(problems).toEqual([]);
  await close();
});

test("a heatmap of rates", async () => {
  const rates = "sum by (le) (rate(request_duration_seconds_bucket[30s]))";
  const { page, problems, close } = await open(browser, graph(rates, "&g0.display_mode=heatmap"));
  // Slow ones are there for a while.
  await page.getByRole("row", { name: /^\(0\.5, 1\] 0 [\d.]+ [\d.]+$/ }).waitFor();
  await shoot(page, "query-heatmap");
  expect(problems).toEqual([]);
  await close();
});

test("a link to a heatmap of what is no histogram shows lines and says why", async () => {
  const { page, problems, close } = await open(browser, graph("vector(1)", "&g0.display_mode=heatmap"));
  await page.getByText(/There is no heatmap/).waitFor();
  await page.getByRole("img", { name: /^1 series from/ }).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("heatmaps in dark colours, and beside lines", async () => {
  const mixed = 'took_seconds or label_replace(vector(1), "a", "b", "", "")';
  const { page, problems, close } = await open(browser, graph(mixed), { theme: "dark" });
  await page.getByRole("img", { name: /^Heatmap of took_seconds/ }).waitFor();
  await page.getByRole("img", { name: /^1 series from/ }).waitFor();
  expect(await violations(page)).toEqual([]);
  expect(problems).toEqual([]);
  await close();
});
