// What the author of the Kasten scenario looks at: targets, rules, an alert that fires, its group and receiver, the
// routing tree, the status.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, startDemo } from "./support";

let browser: Browser;
let demo: Running;

beforeAll(async () => {
  [browser, demo] = await Promise.all([launch(), startDemo()]);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

const httpPool = "scrapeConfig/kasten-io/k10-http-service-discovery";
const receiver = "kasten-io/kasten-alerting/kasten-operating-receiver";

test("from targets to a firing alert and its receiver", async () => {
  const { page, problems, close } = await open(browser, `${demo.url}/targets`);
  await page.getByRole("heading", { name: "Targets" }).waitFor();
  await page.getByText(httpPool, { exact: true }).first().waitFor();
  await page.getByRole("button", { name: /^up 6$/ }).waitFor();

  await page.getByRole("link", { name: "Rules", exact: true }).click();
  // The page before has six rows too.
  await expect.poll(() => page.getByText("./kasten.rules").count()).toBe(6);

  await demo.demo("break", "metering-svc");
  await page.getByRole("button", { name: "firing 1" }).waitFor({ timeout: 60_000 });
  await page.getByRole("link", { name: "Alerts now" }).click();
  await page.getByText(receiver).first().waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Details of kasten-service-down" }).first().click();
  await page.getByText("up{application=", { exact: false }).first().waitFor();
  // The group's label, in its head.
  await page.locator("tr.group").filter({ hasText: receiver }).getByText("alertname=kasten-service-down").waitFor();

  await page.getByRole("link", { name: "Where does it go?" }).first().click();
  await page.getByRole("heading", { name: "It goes to" }).waitFor();
  await page.getByRole("heading", { name: receiver }).waitFor();
  await page.locator(".tree").getByText("ends here").first().waitFor();

  await page.getByRole("link", { name: "Targets", exact: true }).click();
  await page.getByRole("button", { name: "down 1" }).click();
  // The address changes first, then the list.
  await page.locator(".list-counts", { hasText: "1 of 6 rows" }).waitFor();
  expect(page.url()).toContain("health%3Adown");
  await page.getByRole("button", { name: /^Details of http/ }).click();
  await page.getByRole("link", { name: "Why?" }).click();
  await page.getByText("scrape-no-connection").first().waitFor();

  await demo.demo("heal");
  await page.getByRole("link", { name: "Overview", exact: true }).click();
  await page.getByText("6 / 6 up").waitFor({ timeout: 60_000 });
  await page.getByText("Configuration").first().waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("a query is run, drawn, zoomed into, and shared by its address", async () => {
  const { page, problems, close } = await open(browser, `${demo.url}/query`);
  await page.getByRole("textbox", { name: "Expression 1" }).click();
  await page.keyboard.type('up{application="k10"}');
  await page.keyboard.press("Control+Enter");
  await page.getByText(/· 4 rows/).waitFor();
  await page.getByRole("tab", { name: "Graph" }).click();
  const chart = page.getByRole("img", { name: /^4 series from/ });
  await chart.waitFor();
  const legend = page.getByRole("table", { name: "Series of the graph" });
  await expect.poll(() => legend.getByRole("row").count()).toBe(5);

  // Dragging over the right half of the chart sets a shorter range.
  const box = await chart.locator(".u-over").boundingBox();
  if (!box) throw new Error("the chart has no area");
  await page.mouse.move(box.x + box.width * 0.5, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.999, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await expect.poll(() => page.url()).toContain("g0.end_input");

  const shared = await open(browser, page.url());
  await shared.page.getByRole("img", { name: /series from/ }).waitFor();
  expect([...problems, ...shared.problems]).toEqual([]);
  await shared.close();
  await close();
});

test("keys lead everywhere", async () => {
  const { page, problems, close } = await open(browser, `${demo.url}/status`);
  const heading = (name: string) => page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
  await heading("Overview");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await heading("Rules");
  await page.locator(".list-counts", { hasText: "6 rows" }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("o");
  await page.getByText("Run in Query").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("executor");
  await page.locator(".list-counts", { hasText: "1 of 6 rows" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /^Go to a page/ }).fill("stor");
  await page.getByRole("option", { name: "Storage" }).waitFor();
  await page.keyboard.press("Enter");
  await heading("Storage");
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Paused" }).waitFor();
  expect(problems).toEqual([]);
  await close();
});
