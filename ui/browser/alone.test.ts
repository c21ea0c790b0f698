// An Alertmanager alone: only the pages that it has something behind, and links to the others say why not.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, send, startAlertmanager, violations } from "./support";

let browser: Browser;
let server: Running;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startAlertmanager()]);
  await send(`${server.url}/api/v2/alerts`, [{ labels: { alertname: "Disk", pod: "a" } }]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test("has the pages of an Alertmanager", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/`);
  await page.getByRole("heading", { name: "Alerts now", level: 1 }).waitFor();
  const rail = page.getByRole("navigation", { name: "Pages" });
  const titles = () => rail.locator("li").allTextContents();
  await expect.poll(titles).toEqual(["Alerts now", "Timeline", "Silences", "Routing", "Overview", "Peers"]);
  for (const title of await titles()) {
    await rail.getByRole("link", { name: title, exact: true }).click();
    await page.getByRole("heading", { name: title, level: 1, exact: true }).waitFor();
    await page.waitForLoadState("networkidle");
    expect(await page.getByRole("alert").count(), title).toBe(0);
    expect(await violations(page), title).toEqual([]);
  }
  expect(problems).toEqual([]);
  await close();
});

test("shows its configuration where Alertmanager does", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/#/status`);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.getByText("receiver: team").first().waitFor();
  expect(problems).toEqual([]);
  await close();
});

test.each(["/query?g0.expr=up", "/graph?g0.expr=up", "/targets", "/service-discovery", "/tsdb-status"])(
  "says that %s is not here",
  async (path) => {
    const { page, problems, close } = await open(browser, server.url + path);
    await page.getByText("This server does not do that").waitFor();
    expect(problems).toEqual([]);
    await close();
  },
);

test("the palette finds alerting's pages and silences alone", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/silences/new?filter=%7Bpod%3D%22a%22%7D`);
  await page.getByRole("textbox", { name: "Creator" }).fill("me");
  await page.getByRole("textbox", { name: "Comment" }).fill("roof is mended");
  await page.getByRole("button", { name: "Create the silence" }).click();
  // With one alert, hiding it is not hiding everything.
  await page.getByRole("heading", { name: "Silence", exact: true, level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Go to a page/ }).fill("roof");
  await page.getByRole("option", { name: "roof is mended" }).waitFor();
  expect(await page.getByRole("option", { name: "Query" }).count()).toBe(0);
  expect(problems).toEqual([]);
  await close();
});
