// The Query page says how a query is computed and what it costs, and runs parts of it.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, startServer, until, violations } from "./support";

let browser: Browser;
let server: Running;

beforeAll(async () => {
  // It watches itself.
  [browser, server] = await Promise.all([launch(), startServer()]);
  await until("there are samples", async () => {
    const answer = await fetch(`${server.url}/api/v1/query?query=up`);
    return (await answer.text()).includes('"value"');
  });
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test("operators as a tree, measured when asked, and run by themselves", async () => {
  const expression = encodeURIComponent("sum by (job) (up) + 1");
  const query = `/query?g0.expr=${expression}&g0.tab=explain&g0.range_input=5m`;
  const { page, problems, close } = await open(browser, server.url + query);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/explain")) asked.push(request.url());
  });
  await page.getByText("Estimated over the panel's range").waitFor();
  const tree = page.locator(".explained");
  expect(await tree.locator("li").count()).toBeGreaterThan(2);
  // Nothing is run before somebody asks.
  expect(asked.filter((url) => url.includes("analyze")).length).toBe(0);
  await page.getByRole("button", { name: "Run and measure" }).click();
  await page.getByText("Measured over the panel's range").waitFor();
  await tree.getByText(/ms$/).first().waitFor();
  expect(await violations(page)).toEqual([]);

  await page.getByRole("tab", { name: "Cost" }).click();
  const costs = page.getByRole("table", { name: "What each operator costs" });
  await costs.waitFor();
  expect(await costs.getByRole("row").count()).toBeGreaterThan(3);
  expect(await violations(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  await page.setViewportSize({ width: 1280, height: 800 });

  await page.getByRole("tab", { name: "Explain" }).click();
  const second = tree.locator("li").nth(1);
  const part = ((await second.locator("pre").textContent()) ?? "").trim();
  expect(part).not.toBe("");
  await second.getByRole("button", { name: "Run this part" }).click();
  await page.getByRole("tab", { name: "Table", selected: true }).waitFor();
  await expect.poll(() => page.getByRole("textbox", { name: "Expression 1" }).textContent()).toBe(part);
  expect(problems).toEqual([]);
  await close();
});

test("a query that is wrong is said there too", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/query?g0.expr=sum(&g0.tab=cost`);
  await page.getByText("The server refused the request").waitFor();
  expect(problems).toEqual([]);
  await close();
});
