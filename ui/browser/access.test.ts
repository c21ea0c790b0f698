// Every page in both themes: no violation of WCAG A and AA, nothing wider than the screen, at 320 pixels too.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { addSilence, launch, open, type Running, startDemo, until, violations } from "./support";

let browser: Browser;
let demo: Running;
let silence: string;
let firing: string;

beforeAll(async () => {
  [browser, demo] = await Promise.all([launch(), startDemo()]);
  await demo.demo("break", "metering-svc");
  await until("the alert fires", async () => {
    const answer = await fetch(`${demo.url}/api/v1/alerts`);
    return (await answer.text()).includes('"firing"');
  });
  const alerts = (await (await fetch(`${demo.url}/api/v2/alerts`)).json()) as Array<{ fingerprint: string }>;
  firing = alerts[0]?.fingerprint ?? "";
  expect(firing).not.toBe("");
  const matchers = [["alertname", "nothing-like-this"]] as const;
  silence = await addSilence(demo, { matchers, comment: "while the roof is mended", minutes: 30 });
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

const pages = [
  "/status",
  "/query?g0.expr=up&g0.tab=graph&g0.range_input=5m",
  "/query?g0.expr=up&g0.tab=table",
  "/query?g0.expr=up%7B&g0.tab=table",
  "/query?g0.expr=sum(up)&g0.tab=explain",
  "/query?g0.expr=sum(up)&g0.tab=cost",
  "/explore/metrics",
  "/queries",
  "/alerts",
  "/rules",
  "/routing?labels=%7Balertname%3D%22kasten-service-down%22%2Cnamespace%3D%22kasten-io%22%7D",
  "/routing?view=compare",
  "/targets",
  "/discovery",
  "/why?q=metering",
  "/storage",
  "/config",
  "/config?view=problems",
  "/flags",
  "/peers",
  "/silences",
  "/timeline",
  "/alert/FIRING",
  "/silences/new?filter=%7Balertname%3D%22kasten-service-down%22%7D&comment=x",
  "/silences/ID",
  "/silences/ID/edit",
  "/alert/zz",
];

/** Of the document and of the window: equal where nothing sticks out. */
function widths(page: Page) {
  return page.evaluate(() => ({
    scrolled: document.documentElement.scrollWidth,
    shown: document.documentElement.clientWidth,
  }));
}

for (const theme of ["light", "dark"] as const) {
  test.each(pages)(`${theme} %s`, async (path) => {
    const { page, problems, close } = await open(
      browser,
      demo.url + path.replace("ID", silence).replace("FIRING", firing),
      { theme },
    );
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    expect(await violations(page)).toEqual([]);
    if (theme === "light") {
      await page.setViewportSize({ width: 320, height: 800 });
      await vi.waitFor(async () => expect(await widths(page)).toEqual({ scrolled: 320, shown: 320 }));
    }
    expect(problems).toEqual([]);
    await close();
  });
}
