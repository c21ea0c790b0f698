// Pictures of pages and states, for people: `UPDATE=1` writes them to docs/ui. Without it this checks that each state
// can still be had, and that its picture is there and small. Figures differ each time, so nothing is compared.
import { readdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folder, shoot } from "./pictures";
import { addSilence, type Look, launch, open, type Running, startDemo, until } from "./support";

let browser: Browser;
let demo: Running;
let firing = "";

beforeAll(async () => {
  [browser, demo] = await Promise.all([launch(), startDemo()]);
  await demo.demo("break", "metering-svc");
  await until("the alert fires and is told", async () => {
    const alerts = (await (await fetch(`${demo.url}/api/v2/alerts`)).json()) as Array<{ fingerprint: string }>;
    firing = alerts[0]?.fingerprint ?? "";
    return firing !== "";
  });
  const silences = [
    {
      matchers: [["alertname", "kasten-backup-failed"]],
      comment: "Backups are moved to the new store, OPS-123",
      minutes: 45,
    },
    { matchers: [["namespace", "staging"]], comment: "Nobody looks after staging this week", minutes: 6000 },
  ] as const;
  for (const silence of silences) await addSilence(demo, silence);
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

interface State {
  name: string;
  path: string;
  look?: Look;
  /** Until the page shows what the picture is of. */
  ready: (page: Page) => Promise<unknown>;
}

const heading = (name: string) => (page: Page) => page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
const says = (words: string | RegExp) => (page: Page) => page.getByText(words).first().waitFor();
const phone: Look = { width: 390 };
const dark: Look = { theme: "dark" };

const states: readonly State[] = [
  { name: "overview", path: "/status", ready: says("Needs attention") },
  { name: "overview-dark", path: "/status", look: dark, ready: says("Needs attention") },
  {
    name: "query-graph",
    path: "/query?g0.expr=rate(prometheus_http_requests_total%5B1m%5D)%20or%20up&g0.tab=graph&g0.range_input=5m",
    ready: (page) => page.getByRole("img", { name: /series from/ }).waitFor(),
  },
  { name: "query-table", path: "/query?g0.expr=up&g0.tab=table", ready: says(/rows/) },
  {
    name: "query-mistake",
    path: "/query?g0.expr=sum%20by%20(job)%20(rte(up%5B5m%5D))&g0.tab=table",
    ready: says("The server refused the request"),
  },
  { name: "metrics", path: "/explore/metrics", ready: says(/rows/) },
  { name: "alerts", path: "/alerts", ready: says("kasten-service-down") },
  {
    name: "alerts-selected",
    path: "/alerts",
    look: dark,
    ready: async (page) => {
      await page.getByRole("checkbox", { name: "Select kasten-service-down" }).first().check();
      await page.keyboard.press("s");
      await page.getByText(/would be hidden now/).waitFor();
    },
  },
  { name: "alerts-phone", path: "/alerts", look: phone, ready: says("kasten-service-down") },
  { name: "alert", path: "/alert/FIRING", ready: (page) => page.locator(".lane").waitFor() },
  { name: "timeline", path: "/timeline?from=-3m", ready: (page) => page.locator(".lane .span").first().waitFor() },
  {
    name: "timeline-dark",
    path: "/timeline?from=-3m&q=%40kind%3Adelivery",
    look: dark,
    ready: (page) => page.locator(".lane .span").first().waitFor(),
  },
  { name: "silences", path: "/silences", ready: says("OPS-123") },
  { name: "silences-phone", path: "/silences", look: { ...phone, ...dark }, ready: says("OPS-123") },
  {
    name: "silence-new",
    path: "/silences/new?filter=%7Balertname%3D%22kasten-service-down%22%7D&comment=OPS-124",
    ready: says(/would be hidden now/),
  },
  {
    name: "silence-hides-all",
    path: "/silences/new?filter=%7Balertname%3D~%22.*%22%7D",
    ready: says("These matchers match everything"),
  },
  {
    name: "rules",
    path: "/rules",
    ready: async (page) => {
      await page.locator(".list-counts", { hasText: /^6 rows/ }).waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("o");
      await page.getByText("Run in Query").waitFor();
    },
  },
  {
    name: "routing",
    path: "/routing?labels=%7Balertname%3D%22kasten-service-down%22%2Cnamespace%3D%22kasten-io%22%7D",
    ready: says("It goes to"),
  },
  {
    name: "routing-compare",
    path: "/routing?view=compare",
    ready: async (page) => {
      const field = page.getByRole("textbox", { name: "New configuration of alerting" });
      await field.waitFor();
      const inUse = await field.inputValue();
      await field.fill(inUse.replace("receiver: kasten-io/keepwatch-demo", "receiver: failed-ns/keepwatch-demo"));
      await page.getByRole("button", { name: "Compare", exact: true }).click();
      const told = page.getByRole("heading", { name: /compared, [1-9]\d* fares? differently/ });
      await told.waitFor();
      await told.evaluate((heading) => scrollTo(0, heading.getBoundingClientRect().top - 300));
    },
  },
  { name: "targets", path: "/targets", ready: says("down 1") },
  { name: "targets-phone", path: "/targets?health=down", look: phone, ready: says(/1 of 6 rows/) },
  { name: "discovery", path: "/discovery", ready: says(/rows/) },
  { name: "why", path: "/why?q=metering", ready: says("scrape-no-connection") },
  { name: "storage", path: "/storage", ready: heading("Storage") },
  { name: "config", path: "/config", ready: says("scrape_configs") },
  {
    name: "palette",
    path: "/status",
    ready: async (page) => {
      await page.getByText("Needs attention").waitFor();
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: /^Go to a page/ }).fill("kasten");
      await page
        .getByRole("option", { name: /kasten-service-down/ })
        .first()
        .waitFor();
    },
  },
  {
    name: "keys",
    path: "/status",
    look: dark,
    ready: async (page) => {
      await page.getByText("Needs attention").waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
    },
  },
  {
    name: "server-away",
    path: "/targets",
    ready: async (page) => {
      await page.getByText("down 1").waitFor();
      await page.route("**/api/**", (route) => route.abort());
      await page.getByText(/No answer from the server/).waitFor({ timeout: 60_000 });
    },
  },
  { name: "nothing-matches", path: "/rules?q=nothing-like-this", ready: says("Nothing matches") },
];

/** Where there is what they show. */
const shotElsewhere = ["query-heatmap"];

test.each(states.map((state) => [state.name, state] as const))("%s", async (name, { path, look, ready }) => {
  const { page, close } = await open(browser, demo.url + path.replace("FIRING", firing), look);
  await ready(page);
  await shoot(page, name);
  await close();
});

test("no picture is left of a state that is gone, and there are not too many", () => {
  const known = new Set([...states.map(({ name }) => name), ...shotElsewhere].map((name) => `${name}.webp`));
  expect(readdirSync(folder).filter((name) => !known.has(name))).toEqual([]);
  expect(known.size).toBeLessThanOrEqual(30);
});
