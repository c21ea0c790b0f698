// Routing, compare: what another configuration would do to the alerts that there are, on both roles.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, send, startAlertmanager, startServer, violations } from "./support";

let browser: Browser;
let alone: Running;
let server: Running;

beforeAll(async () => {
  [browser, alone, server] = await Promise.all([launch(), startAlertmanager(), startServer()]);
  for (const { url } of [alone, server]) {
    const alerts = ["a", "b", "c"].map((pod) => ({ labels: { alertname: "Disk", pod, team: "shop" } }));
    await send(`${url}/api/v2/alerts`, [...alerts, { labels: { alertname: "Cpu", pod: "a", team: "ops" } }]);
  }
});

afterAll(async () => {
  await browser?.close();
  await alone?.stop();
  await server?.stop();
});

const next = `route:
  receiver: team
  routes:
    - matchers: [team="ops"]
      receiver: pager
      group_by: [alertname]
receivers:
  - name: team
  - name: pager
    webhook_configs: [{url: "http://127.0.0.1:9/"}]
`;

const field = (page: Page) => page.getByRole("textbox", { name: "New configuration of alerting" });
const compare = (page: Page) => page.getByRole("button", { name: "Compare", exact: true }).click();

test("starts with the configuration in use, which changes nothing", async () => {
  for (const { url } of [alone, server]) {
    const { page, problems, close } = await open(browser, `${url}/routing`);
    await page.getByRole("tab", { name: "Compare" }).click();
    await expect.poll(() => field(page).inputValue()).toContain("receiver:");
    expect(page.url()).toContain("view=compare");
    await compare(page);
    await page.getByText("4 alerts are compared, 0 fare differently.").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await close();
  }
});

test.each([320, 1280])("what goes elsewhere, at %d pixels", async (width) => {
  const { page, problems, close } = await open(browser, `${alone.url}/routing?view=compare&since=24h`, { width });
  await field(page).fill(next);
  await page.getByText("keepwatch route compare").waitFor();
  expect(await page.locator("pre").textContent()).toBe(
    `keepwatch route compare --url=${alone.url} --since=-24h new.yml`,
  );
  await compare(page);
  await page.getByText("4 alerts are compared, 1 fares differently.").waitFor();
  // Sums, and who reaches nobody.
  await page.getByText("4 reach nobody now, 3 with the new configuration.").waitFor();
  const row = page.getByRole("row", { name: /^pager/ });
  expect(await row.getByRole("cell").allTextContents()).toEqual(["0", "1", "1", "0"]);
  expect(await page.locator("p", { hasText: "Differs in" }).textContent()).toContain("receiver 1");
  // The one alert, with both outcomes.
  await page.getByRole("button", { name: "Details of Cpu" }).click();
  await page.getByText('{}/{team="ops"}:{alertname="Cpu"}').waitFor();
  await page.getByText("webhook").first().waitFor();
  expect(await page.getByRole("button", { name: "Details of Disk" }).count()).toBe(0);
  await page.getByLabel("Also those that fare as before").click();
  await expect.poll(() => page.getByRole("button", { name: "Details of Disk" }).count()).toBe(3);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  expect(await violations(page)).toEqual([]);
  // It was not loaded, and what was written is there after a look at the tree.
  await page.getByRole("tab", { name: "Tree" }).click();
  await page.getByRole("heading", { name: "Routing tree" }).waitFor();
  expect(await page.getByText("pager").count()).toBe(0);
  await page.getByRole("tab", { name: "Compare" }).click();
  expect(await field(page).inputValue()).toBe(next);
  expect(problems).toEqual([]);
  await close();
});

test("what is wrong is told at its line", async () => {
  const { page, problems, close } = await open(browser, `${alone.url}/routing?view=compare`);
  const filler = "# a line\n".repeat(60);
  await field(page).fill(
    `${filler}route:\n  receiver: team\n  group_wait: soon\nreceivers: [{name: team}, {nam: x}]\n`,
  );
  await compare(page);
  const told = page.getByRole("alert");
  await told.getByText("What is wrong with the configuration").waitFor();
  expect(await told.getByRole("button").allTextContents()).toEqual(["Line 63", "Line 64"]);
  await told.getByRole("button", { name: "Line 63" }).click();
  const chosen = await field(page).evaluate((at) => {
    const { value, selectionStart, selectionEnd } = at as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });
  expect(chosen).toBe("soon");
  await page.getByText("! 63").waitFor();
  expect(await violations(page)).toEqual([]);
  // A change takes the marks away, since nobody knows whether they still hold.
  await field(page).fill(next);
  expect(await told.count()).toBe(0);
  expect(problems).toEqual([]);
  await close();
});

test("a file is loaded, and one that is too large or no text is refused", async () => {
  const { page, problems, close } = await open(browser, `${alone.url}/routing?view=compare`);
  await field(page).waitFor();
  const choose = page.getByLabel("Load a file");
  await choose.setInputFiles({ name: "alert's.yml", mimeType: "text/yaml", buffer: Buffer.from(next) });
  await expect.poll(() => field(page).inputValue()).toBe(next);
  expect(await page.locator("pre").textContent()).toContain(`'alert'\\''s.yml'`);
  await choose.setInputFiles({ name: "x.bin", mimeType: "text/yaml", buffer: Buffer.from([0xff, 0xfe, 0]) });
  await page.getByText("x.bin cannot be read as text.").waitFor();
  await choose.setInputFiles({ name: "y", mimeType: "text/yaml", buffer: Buffer.alloc(4 * 1024 * 1024 + 1, 35) });
  await page.getByText("A configuration has at most 4.0 MiB.").waitFor();
  expect(await field(page).inputValue()).toBe(next);
  await page.getByRole("button", { name: "Take the one in use" }).click();
  await expect.poll(() => field(page).inputValue()).not.toBe(next);
  expect(problems).toEqual([]);
  await close();
});
