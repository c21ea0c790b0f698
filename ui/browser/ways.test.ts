// Ways through the UI that a person takes at night: from a link to a time and back, from an empty answer to its cause,
// from a slow server to the slow query, and what an administrator may change.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, type Running, send, startServer, until, violations } from "./support";

let browser: Browser;
let server: Running;
let folder: string;
const nowSeconds = Math.floor(Date.now() / 1000);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "keepwatch-ways-"));
  writeFileSync(
    join(folder, "rules.yml"),
    `groups:
- name: load
  rules:
  - {alert: LoadHigh, expr: 'load > 5', labels: {team: shop}}
`,
  );
  const targets = Array.from({ length: 60 }, (_, index) => `'127.0.0.1:${index + 1}'`).join(", ");
  writeFileSync(
    join(folder, "prometheus.yml"),
    `global: {evaluation_interval: 1s, scrape_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- {job_name: many, static_configs: [{targets: [${targets}]}]}
- {job_name: other, static_configs: [{targets: ['127.0.0.1:9']}]}
`,
  );
  [browser, server] = await Promise.all([
    launch(),
    startServer("", [
      `--config.file=${join(folder, "prometheus.yml")}`,
      "--web.enable-admin-api",
      "--web.enable-lifecycle",
    ]),
  ]);
  const lines = [600, 300, 0].flatMap((age) => [
    `load{host="a"} ${age === 0 ? 9 : 1} ${nowSeconds - age}`,
    `load{host="b"} 1 ${nowSeconds - age}`,
  ]);
  const old = `gone{host="a"} 1 ${nowSeconds - 2 * 3600}`;
  const answer = await fetch(`${server.url}/api/keepwatch/v1/import`, {
    method: "POST",
    headers: { "content-type": "application/openmetrics-text" },
    body: `# TYPE load gauge\n${lines.join("\n")}\n# TYPE gone gauge\n${old}\n# EOF\n`,
  });
  expect(answer.status, await answer.text()).toBe(200);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const heading = (page: Page, name: string) =>
  page.getByRole("heading", { name, level: 1, exact: true }).waitFor({ timeout: 15_000 });

test("another page begins at its top, with the focus in it; going back finds the filter", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/targets?q=127`);
  await page.locator(".list-counts", { hasText: "rows" }).waitFor();
  await page.evaluate(() => scrollTo(0, 1500));
  expect(await page.evaluate(() => scrollY)).toBeGreaterThan(1000);
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await heading(page, "Rules");
  expect(await page.evaluate(() => scrollY)).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("page");
  await page.goBack();
  await heading(page, "Targets");
  await page.locator(".chip", { hasText: "127" }).waitFor();
  // A fragment of Alertmanager, pasted where a page is open.
  await page.evaluate(() => {
    location.hash = "#/silences?filter=%7Ba%3D%22b%22%7D";
  });
  await heading(page, "Silences");
  await page.locator(".chip", { hasText: 'a="b"' }).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("groups say how many are up, fold, and the address remembers it", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/targets?sort=-last`);
  await page.getByText("0 of 60 up").waitFor();
  await page.getByText("0 of 1 up").waitFor();
  const rows = () => page.locator("tr.item").count();
  const all = await rows();
  // Each group once, whatever the order of rows is.
  expect(await page.locator("tr.group").count()).toBe(2);
  await page.getByRole("button", { name: "Rows of many" }).click();
  await expect.poll(rows).toBeLessThan(all);
  expect(new URL(page.url()).searchParams.getAll("folded")).toEqual(["many"]);
  await page.reload();
  await page.getByRole("button", { name: "Rows of many", expanded: false }).waitFor();
  await page.getByRole("link", { name: "127.0.0.1:9/metrics" }).waitFor();
  expect(await rows()).toBe(1);
  expect(problems).toEqual([]);
  await close();
});

test("a slash behind a page does no harm", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/rules/?search=Load`);
  await heading(page, "Rules");
  await page.locator(".chip", { hasText: "Load" }).waitFor();
  await page.getByText("LoadHigh").first().waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("times are typed and shown in the zone that was chosen, and UTC in the address", async () => {
  const link = `${server.url}/query?g0.expr=load&g0.tab=1&g0.end_input=2026-07-15%2012:00:00`;
  const { page, problems, close } = await open(browser, link);
  const end = page.getByRole("textbox", { name: "End of the range (UTC)" });
  await end.waitFor();
  expect(await end.inputValue()).toBe("2026-07-15 12:00:00");
  await page.getByRole("button", { name: "Settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.getByText("By name", { exact: true }).click();
  await dialog.getByLabel("Time zone").selectOption("Asia/Tokyo");
  await page.keyboard.press("Escape");
  const local = page.getByRole("textbox", { name: "End of the range (UTC+9)" });
  expect(await local.inputValue()).toBe("2026-07-15 21:00:00");
  // Graph and table have one time, as in Prometheus.
  expect(await page.getByRole("textbox", { name: "Time (UTC+9)" }).inputValue()).toBe("2026-07-15 21:00:00");
  await local.fill("2026-07-15 09:30");
  await local.press("Enter");
  await expect.poll(() => new URL(page.url()).searchParams.get("g0.end_input")).toBe("2026-07-15 00:30:00");
  await page.goBack();
  await expect.poll(() => local.inputValue()).toBe("2026-07-15 21:00:00");
  expect(problems).toEqual([]);
  await close();
});

test("the menu of a panel copies what asks the same elsewhere, and says so", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/query?g0.expr=load&g0.tab=graph`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("img", { name: /series from/ }).waitFor();
  const menu = page.getByRole("button", { name: "More about this panel" });
  const choose = async (name: string) => {
    await menu.click();
    await page.getByRole("menuitem", { name }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const curl = await choose("Copy as curl");
  expect(curl).toMatch(/^curl \S+\/api\/v1\/query_range --data-urlencode query=load --data-urlencode start=\d+/);
  expect(await choose("Copy as command line")).toMatch(/^keepwatch query range --url http:\S+ --start .* -- load$/);
  // A legend, with and without; the key does the same.
  await page.getByRole("table", { name: "Series of the graph" }).waitFor();
  await page.keyboard.press("l");
  await page.getByRole("table", { name: "Series of the graph" }).waitFor({ state: "detached" });
  expect(page.url()).toContain("g0.legend=0");
  await menu.click();
  await page.getByRole("menuitemcheckbox", { name: "Explanation above the answer" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("region", { name: "Explanation above the answer" }).getByText("selector").waitFor();
  await menu.click();
  await page.getByRole("menuitem", { name: "Make a rule of it…" }).click();
  await page.getByLabel("Name").fill("LoadGone");
  await page.getByText('alert: "LoadGone"').waitFor();
  expect(await violations(page)).toEqual([]);
  expect(problems).toEqual([]);
  await close();
});

test("an empty answer names its cause", async () => {
  const ask = async (expression: string, words: string | RegExp) => {
    const { page, problems, close } = await open(
      browser,
      `${server.url}/query?g0.expr=${encodeURIComponent(expression)}&g0.tab=table`,
    );
    await page.getByText(words).first().waitFor({ timeout: 15_000 });
    expect(problems).toEqual([]);
    await close();
  };
  await ask("sum(loda)", "There is no metric loda.");
  await ask('load{host=~"a|b",zone="x"}', /what leaves nothing is zone="x"/);
  const day = new Date((nowSeconds - 2 * 3600) * 1000).toISOString().slice(0, 13).replace("T", " ");
  await ask("gone", new RegExp(`Their last sample before this time is from ${day}`));
});

test("the query log adds up what was asked, the slow first, and leads back to it", async () => {
  const ask = (query: string) => fetch(`${server.url}/api/v1/query?query=${encodeURIComponent(query)}`);
  for (let time = 0; time < 3; time += 1) await ask("count(load)");
  await ask("load * on() load");
  const { page, problems, close } = await open(browser, `${server.url}/queries?sort=-count&q=load`);
  const row = page.locator("tr.item").filter({ hasText: "count(load)" });
  await row.waitFor();
  await expect.poll(() => row.locator("[data-title=Asked]").textContent()).toBe("3");
  await page.getByRole("button", { name: /^failed/ }).click();
  await page.getByText("many-to-many", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: /^all/ }).click();
  await row.getByRole("button", { name: /^Details of/ }).click();
  await page.getByRole("link", { name: "Open the slowest one in Query" }).click();
  await heading(page, "Query");
  await page.getByRole("textbox", { name: "Expression 1" }).getByText("count(load)").waitFor();
  await page.goto(`${server.url}/vmui/#/active-queries`);
  await page.getByText("No query runs").waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("the page of an alert draws the value, its threshold, and when it fired", async () => {
  await until("the rule fires", async () => {
    const alerts = (await (await fetch(`${server.url}/api/v2/alerts`)).json()) as unknown[];
    return alerts.length > 0;
  });
  const [alert] = (await (await fetch(`${server.url}/api/v2/alerts`)).json()) as Array<{ fingerprint: string }>;
  const { page, problems, close } = await open(browser, `${server.url}/alert/${alert?.fingerprint}?from=-1h`);
  await page.getByRole("img", { name: /^Value of the rule .* It fires while the value is > 5\.$/ }).waitFor();
  await page.getByText("Now 9; from 1 to 9 in this time.").first().waitFor();
  await page.locator(".shade.firing").first().waitFor();
  // What has just fired is there in a long range, too, whose points are far apart.
  await page.getByRole("button", { name: "30 d" }).click();
  await page.getByText("Now 9;").first().waitFor();
  expect(await violations(page)).toEqual([]);
  expect(problems).toEqual([]);
  await close();
});

test("alerts group by labels alone, each group once", async () => {
  const alerts = ["x", "y", "x"].map((team, index) => ({ labels: { alertname: `Posted${index}`, team } }));
  await send(`${server.url}/api/v2/alerts`, alerts);
  const { page, problems, close } = await open(browser, `${server.url}/#/alerts?customGrouping=true&group=team`);
  await page.getByRole("link", { name: "Posted2" }).waitFor();
  const heads = await page.locator("tr.group").allTextContents();
  expect(heads.filter((head) => head.includes("team=x")).length).toBe(1);
  await page.goto(`${server.url}/alerts?group=team`);
  await page.locator("tr.group", { hasText: "team=y" }).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("notices of the server ring", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/flags`);
  await page.getByRole("button", { name: "Notices: none" }).waitFor();
  await page.route("**/api/v1/notifications", (route) =>
    route.fulfill({
      json: {
        status: "success",
        data: [{ text: "Configuration reload has failed.", date: new Date().toISOString(), active: true }],
      },
    }),
  );
  await page.reload();
  await page.getByRole("button", { name: "Notices: 1" }).click();
  await page.getByRole("region", { name: "Notices of the server" }).getByText("reload has failed").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("region", { name: "Notices of the server" }).waitFor({ state: "detached" });
  expect(problems).toEqual([]);
  await close();
});

test("series are deleted only after their selector was typed again", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/storage`);
  await page
    .getByText("2 blocks with", { exact: false })
    .or(page.getByText("1 block with", { exact: false }))
    .waitFor();
  await page.getByLabel("Series to delete").fill('gone{host="a"}');
  await page.getByRole("button", { name: "Delete series…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete series" });
  await dialog.getByText(/^1 series and all of their samples are deleted/).waitFor();
  await dialog.getByText(/curl -X POST .*delete_series --data-urlencode 'match\[\]=gone/).waitFor();
  const sure = dialog.getByRole("button", { name: "Delete them" });
  expect(await sure.isDisabled()).toBe(true);
  await dialog.getByLabel("Type the selector again").fill('gone{host="a"}');
  await sure.click();
  await page.getByText("Deleted: 1 series.").waitFor();
  const query = encodeURIComponent("last_over_time(gone[1d])");
  const left = await (await fetch(`${server.url}/api/v1/query?query=${query}`)).json();
  expect((left as { data: { result: unknown[] } }).data.result).toEqual([]);
  // What the server refuses is said.
  await page.getByLabel("Series to delete").fill("{");
  await page.getByRole("button", { name: "Delete series…" }).click();
  await page.getByText("The server refused the request").waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("a page that came too early fills itself when the server is ready", async () => {
  const { page, close } = await open(browser, `${server.url}/flags`);
  await heading(page, "Flags");
  await page.route("**/api/keepwatch/v1/config", (route) => route.fulfill({ status: 503, body: "starting" }));
  await page.getByRole("link", { name: "Configuration", exact: true }).click();
  await page.getByText("The server is not ready yet").waitFor();
  await page.unroute("**/api/keepwatch/v1/config");
  await page.getByText("scrape_configs").first().waitFor({ timeout: 15_000 });
  expect(await page.getByText("The server is not ready yet").count()).toBe(0);
  await close();
});

test("what opens over a page has names for everything", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/config`);
  await heading(page, "Configuration");
  const opens = [
    () => page.getByRole("button", { name: "Settings" }).click(),
    () => page.keyboard.press("?"),
    () => page.keyboard.press("Control+k"),
    () => page.getByRole("button", { name: "Reload", exact: true }).click(),
  ];
  for (const show of opens) {
    await show();
    await page.getByRole("dialog").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  expect(problems).toEqual([]);
  await close();
});

test("an error names its request, and a mistake comes with what was meant", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/query?g0.expr=sum(rte(load[5m]))&g0.tab=table`);
  await page.getByText(/^Request [0-9a-f]+-\d+$/).waitFor();
  await page.locator(".cm-lintRange-error", { hasText: /^rte$/ }).waitFor();
  await page.getByRole("button", { name: "Use rate" }).click();
  await page.getByRole("textbox", { name: "Expression 1" }).getByText("sum(rate(load[5m]))").waitFor();
  await page.getByText(/· \d rows/).waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("what is stale is dimmed, and can be read", async () => {
  for (const theme of ["light", "dark"] as const) {
    const { page, close } = await open(browser, `${server.url}/targets?q=9`, { theme });
    await page.locator(".list-counts", { hasText: "rows" }).waitFor();
    await page.route("**/api/**", (route) => route.abort());
    await page.getByText(/No answer from the server/).waitFor({ timeout: 60_000 });
    expect(await violations(page)).toEqual([]);
    await close();
  }
});
