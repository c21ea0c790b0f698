// The timeline: what happened to alerts, and why somebody was told or not.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, startDemo, startServer } from "./support";

let browser: Browser;
let demo: Running;

beforeAll(async () => {
  // The demo breaks something, tells it, and heals it before it takes commands.
  [browser, demo] = await Promise.all([launch(), startDemo()]);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

test("lanes of alerts, their events, and the way to an alert's own", async () => {
  const { page, problems, close } = await open(browser, `${demo.url}/timeline`);
  await page.getByRole("heading", { name: "Timeline", level: 1 }).waitFor();
  const lane = page.getByRole("img", { name: /^Fired once, for .*; notified [1-9]/ }).first();
  await lane.waitFor();
  expect(await lane.locator(".span.firing").count()).toBe(1);
  expect(await lane.locator(".mark.notified").count()).toBeGreaterThan(0);
  await page.locator(".journal").getByText("alert-fired").first().waitFor();

  await page.getByRole("combobox", { name: /^Filter/ }).fill("@kind:delivery");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.url()).toContain("kind%3Adelivery");
  await page.getByText("alert-fired").first().waitFor({ state: "detached" });
  await page.locator(".journal").getByText("delivery-succeeded").first().waitFor();

  await page.locator(".lanes").getByRole("link", { name: "kasten-service-down" }).first().click();
  await page.getByRole("heading", { name: "Timeline", level: 2 }).waitFor();
  await page.getByText("alert-routed").first().waitFor();
  await page.getByText("As a table").click();
  await page.getByRole("columnheader", { name: "It was" }).waitFor();
  await page.getByRole("button", { name: "7 d", exact: true }).click();
  await expect.poll(() => page.url()).toContain("from=-7d");
  expect(problems).toEqual([]);
  await close();
});

test("a range and a filter are in the address, and what cannot be looked for is said", async () => {
  const past = "/timeline?from=2020-01-01%2000:00:00&to=2020-01-02%2000:00:00";
  const { page, problems, close } = await open(browser, `${demo.url}${past}`);
  await page.getByText("Nothing happened to alerts in this time").waitFor();
  await page.getByText("The journal begins").waitFor();
  await page.goto(`${demo.url}/timeline?q=word`);
  await page.getByText("Here are only label=value").waitFor();
  await page.goto(`${demo.url}/timeline?q=alertname%3D~%22(%22`);
  await page
    .getByText(/missing/)
    .first()
    .waitFor();
  await page.goto(`${demo.url}/timeline?q=%40kind%3Anonsense`);
  await page.getByText(/there is no kind/).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("nothing has happened yet", async () => {
  const server = await startServer();
  try {
    const { page, problems, close } = await open(browser, `${server.url}/timeline?q=alertname%3DX`);
    await page.getByText("Nothing happened to alerts in this time").waitFor();
    await page.getByText("No events in this time.").waitFor();
    expect(problems).toEqual([]);
    await close();
  } finally {
    await server.stop();
  }
});
