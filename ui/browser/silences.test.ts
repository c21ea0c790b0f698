// Silences: made from a link, from selected alerts and by acknowledging; listed, extended and ended in bulk; changed.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { addSilence, launch, open, type Running, send, startServer, until, violations } from "./support";

let browser: Browser;
let server: Running;

const pods = ["a", "b", "c"];

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startServer()]);
  const alerts = pods.map((pod) => ({ labels: { alertname: "Disk", pod, team: "shop" } }));
  await send(`${server.url}/api/v2/alerts`, [...alerts, { labels: { alertname: "Cpu", pod: "a", team: "ops" } }]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

interface Silence {
  id: string;
  status: { state: string };
  comment: string;
  createdBy: string;
  endsAt: string;
  matchers: Array<{ name: string; value: string; isRegex: boolean; isEqual: boolean }>;
  annotations?: Record<string, string>;
}

async function silences(): Promise<Silence[]> {
  const all = (await (await fetch(`${server.url}/api/v2/silences`)).json()) as Silence[];
  return all.filter((one) => one.status.state !== "expired");
}

async function silencedPods(): Promise<string[]> {
  const answer = await fetch(`${server.url}/api/v2/alerts?active=false`);
  const alerts = (await answer.json()) as Array<{ labels: Record<string, string> }>;
  return alerts.map(({ labels }) => `${labels.alertname} ${labels.pod}`).sort();
}

beforeEach(async () => {
  for (const { id } of await silences()) {
    const answer = await fetch(`${server.url}/api/v2/silence/${id}`, { method: "DELETE" });
    expect(answer.status).toBe(200);
  }
});

const textbox = (page: Page, name: string) => page.getByRole("textbox", { name });

test("made from a link, with what it would hide before", async () => {
  const filter = encodeURIComponent('{alertname="Disk",pod=~"a|b"}');
  const { page, problems, close } = await open(browser, `${server.url}/silences/new?filter=${filter}`);
  await page.getByText("2 alerts of 4 would be hidden now.").waitFor();
  // Each matcher says how many it alone matches.
  await expect.poll(() => page.locator(".matcher .count").allTextContents()).toEqual(["3 alerts", "3 alerts"]);
  await page.getByLabel("Value of matcher 2").fill("a|b|zz");
  await page.getByText('pod=~"a|b|zz"').waitFor();
  await page.getByRole("button", { name: "Create the silence" }).click();
  // Nothing is made without a creator and a reason.
  await page.getByText("Needed").first().waitFor();
  expect(await silences()).toEqual([]);
  await textbox(page, "Creator").fill("me");
  await textbox(page, "Comment").fill("disks are changed");
  await page.getByRole("button", { name: "4 h", exact: true }).click();
  await page.getByText("-d 4h").waitFor();
  await page.getByRole("button", { name: "Create the silence" }).click();
  await page.getByRole("heading", { name: "Silence", exact: true, level: 1 }).waitFor();
  const [made] = await silences();
  expect(page.url()).toContain(made?.id);
  expect(made?.matchers.map(({ name, value, isRegex }) => [name, value, isRegex])).toEqual([
    ["alertname", "Disk", false],
    ["pod", "a|b|zz", true],
  ]);
  const hours = (Date.parse(made?.endsAt ?? "") - Date.now()) / 3_600_000;
  expect(hours).toBeGreaterThan(3.9);
  expect(hours).toBeLessThan(4.1);
  expect(await silencedPods()).toEqual(["Disk a", "Disk b"]);
  // The name is remembered for the next one.
  await page.goto(`${server.url}/silences/new`);
  await expect.poll(() => textbox(page, "Creator").inputValue()).toBe("me");
  expect(problems).toEqual([]);
  await close();
});

test("a comment is kept as template, taken again and removed", async () => {
  const filter = encodeURIComponent('{alertname="Cpu"}');
  const { page, problems, close } = await open(browser, `${server.url}/silences/new?filter=${filter}`);
  const keep = page.getByRole("button", { name: "Keep as template" });
  await keep.waitFor();
  expect(await keep.isDisabled()).toBe(true);
  for (const comment of ["release of the shop", "<b>disks</b> are changed"]) {
    await textbox(page, "Comment").fill(comment);
    await keep.click();
    await page.getByRole("button", { name: "Remove the template" }).waitFor();
  }
  // They are there in another tab of this browser, and in the drawer of the alerts.
  await page.goto(`${server.url}/silences/new?filter=${filter}`);
  const choice = page.getByLabel("Template of the comment");
  await choice.waitFor();
  expect(await choice.locator("option").allTextContents()).toEqual([
    "Take a template…",
    "<b>disks</b> are changed",
    "release of the shop",
  ]);
  await choice.selectOption("release of the shop");
  expect(await textbox(page, "Comment").inputValue()).toBe("release of the shop");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Remove the template" }).click();
  expect(await choice.locator("option").allTextContents()).toEqual(["Take a template…", "<b>disks</b> are changed"]);
  // The comment itself stays, and makes the silence.
  await textbox(page, "Creator").fill("me");
  await page.getByRole("button", { name: "Create the silence" }).click();
  await page.getByRole("heading", { name: "Silence", exact: true, level: 1 }).waitFor();
  expect((await silences()).map((one) => one.comment)).toEqual(["release of the shop"]);
  expect(problems).toEqual([]);
  await close();
});

test("what hides everything must be meant", async () => {
  const { page, close } = await open(browser, `${server.url}/silences/new?comment=all&filter=%7Bpod!%3D%22%22%7D`);
  await textbox(page, "Creator").fill("me");
  await page.getByText("This hides all 4 alerts").waitFor();
  await page.getByRole("button", { name: "Create the silence" }).click();
  await page.getByText("Needed").waitFor();
  expect(await silences()).toEqual([]);
  expect(await violations(page)).toEqual([]);
  await page.getByLabel("That is what I want").check();
  await page.getByRole("button", { name: "Create the silence" }).click();
  await page.getByRole("heading", { name: "Silence", exact: true, level: 1 }).waitFor();
  expect(await silencedPods()).toHaveLength(4);
  // What the server refuses is said where it was asked.
  await page.goto(`${server.url}/silences/new?comment=all&filter=%7Bpod%3D~%22.*%22%7D`);
  await page.getByText("The server refuses such a silence.").waitFor();
  await page.getByLabel("That is what I want").check();
  await page.getByRole("button", { name: "Create the silence" }).click();
  await page.getByText("at least one matcher must not match the empty string").waitFor();
  await close();
});

test("listed, filtered, extended and ended in bulk, by keys", async () => {
  for (const pod of pods) {
    const matchers = [
      ["alertname", "Disk"],
      ["pod", pod],
    ] as const;
    await addSilence(server, { matchers, comment: `about ${pod}`, minutes: 30 });
  }
  const { page, problems, close } = await open(browser, `${server.url}/status`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.getByRole("heading", { name: "Silences", level: 1 }).waitFor();
  await page.getByRole("button", { name: "active 3" }).click();
  await page.locator(".list-counts", { hasText: /^3 (of|rows)/ }).waitFor();
  // They end within the hour: not by colour alone.
  expect(await page.getByTitle("ends soon").count()).toBe(3);
  await page.keyboard.press("/");
  await page.keyboard.type("pod=c");
  await page.getByText(/^1 of/).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Remove pod=c" }).click();
  await page.locator(".list-counts", { hasText: /^3 (of|rows)/ }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("1 selected").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Shift+X");
  await page.getByText("3 selected").waitFor();
  const bar = page.getByRole("region", { name: "Selection" });
  await bar.getByRole("button", { name: "Extend" }).click();
  const dialog = page.getByRole("dialog", { name: "Extend 3 silences" });
  await dialog
    .getByRole("button", { name: "1 d", exact: true })
    .or(dialog.getByRole("button", { name: "24 h" }))
    .click();
  await dialog.getByText(/keepwatch silence update/).waitFor();
  expect(await violations(page)).toEqual([]);
  const before = await silences();
  await dialog.getByRole("button", { name: "Extend" }).click();
  await dialog.waitFor({ state: "detached" });
  const after = await silences();
  expect(after.map((one) => one.id).sort()).toEqual(before.map((one) => one.id).sort());
  for (const one of after) expect(Date.parse(one.endsAt) - Date.now()).toBeGreaterThan(24 * 3_600_000);
  await bar.getByRole("button", { name: "End now" }).click();
  const end = page.getByRole("dialog", { name: "End 3 silences now?" });
  await end.getByText(/keepwatch silence expire/).waitFor();
  await end.getByRole("button", { name: "End now" }).click();
  await end.waitFor({ state: "detached" });
  expect(await silences()).toEqual([]);
  await page.getByText("Nothing matches").waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("from selected alerts, and acknowledged", async () => {
  const { page, problems, close } = await open(browser, `${server.url}/alerts?by=alert&q=alertname%3DDisk`);
  await page.locator(".list-counts", { hasText: "3 of 4 rows" }).waitFor();
  await page.getByRole("checkbox", { name: "Select Disk" }).nth(0).check();
  await page.getByRole("checkbox", { name: "Select Disk" }).nth(1).check();
  await page.keyboard.press("s");
  const drawer = page.getByRole("dialog", { name: "Silence 2 alerts" });
  await drawer.getByText("2 alerts of 4 would be hidden now.").waitFor();
  expect(await violations(page)).toEqual([]);
  await textbox(page, "Creator").fill("me");
  await textbox(page, "Comment").fill("both");
  await drawer.getByRole("button", { name: "Create the silence" }).click();
  await drawer.waitFor({ state: "detached" });
  expect(await silencedPods()).toHaveLength(2);
  await page.getByRole("button", { name: "silenced 2" }).waitFor();

  await page.goto(`${server.url}/alerts?by=alert&q=alertname%3DCpu`);
  await page.getByRole("checkbox", { name: "Select Cpu" }).check();
  await page.getByRole("button", { name: "Acknowledge" }).click();
  const dialog = page.getByRole("dialog", { name: "Acknowledge 1 alert?" });
  await dialog.getByText("--annotation=acknowledged=true").waitFor();
  await dialog.getByText("The server makes it longer as long as the alert fires").waitFor();
  await textbox(page, "Creator").fill("on-call");
  await dialog.getByRole("button", { name: "Acknowledge" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator("tr.item").getByText("acknowledged").waitFor();
  const made = (await silences()).find((one) => one.annotations?.acknowledged);
  expect(made?.createdBy).toBe("on-call");
  expect(made?.matchers).toHaveLength(3);
  // The alert says who is on it, and leads there.
  await page.getByRole("button", { name: "Details of Cpu" }).click();
  await page.getByText("on-call, ends").waitFor();
  await page.getByRole("link", { name: "acknowledged", exact: true }).click();
  await page.getByRole("heading", { name: "Silence", exact: true, level: 1 }).waitFor();
  await page
    .getByText("The server makes it longer as long as an alert that it matches fires.", { exact: false })
    .waitFor();
  expect(problems).toEqual([]);
  await close();
});

test("changed, and made again when it is over", async () => {
  const id = await addSilence(server, { matchers: [["alertname", "Cpu"]], comment: "first", minutes: 90 });
  const { page, problems, close } = await open(browser, `${server.url}/silences/${id}`);
  await page.getByRole("link", { name: "Change" }).click();
  await textbox(page, "Comment").fill("second");
  await page.getByText(`${id}`).waitFor();
  await page.getByRole("button", { name: "Save the change" }).click();
  await page.getByText("second").first().waitFor();
  expect((await silences()).map((one) => [one.id, one.comment])).toEqual([[id, "second"]]);
  await page.getByRole("button", { name: "End now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End now" }).click();
  await page.getByText("expired").waitFor();
  await page.getByRole("link", { name: "Silence again" }).click();
  await page.getByText("1 alert of 4 would be hidden now.").waitFor();
  await page.getByText("-d 2h").waitFor();
  expect(await textbox(page, "Comment").inputValue()).toBe("second");
  expect(problems).toEqual([]);
  await close();
});

test("a server that refuses changes offers none", async () => {
  const quiet = await startServer("", ["--web.read-only"]);
  try {
    for (const [path, shown] of [
      ["/silences", "No silences"],
      ["/silences/new", "This server refuses changes"],
      ["/alerts", "Nothing fires"],
    ] as const) {
      const { page, problems, close } = await open(browser, quiet.url + path);
      await page.getByText(shown).first().waitFor();
      expect(await page.getByRole("link", { name: "New silence" }).count(), path).toBe(0);
      expect(await page.getByRole("button", { name: "Create the silence" }).count(), path).toBe(0);
      expect(problems, path).toEqual([]);
      await close();
    }
  } finally {
    await quiet.stop();
  }
});

test("a list that cannot be had is said", async () => {
  const { page, close } = await open(browser, `${server.url}/flags`);
  await page.route("**/api/keepwatch/v1/silences*", (route) => route.fulfill({ status: 503, body: "not ready" }));
  await page.getByRole("link", { name: "Silences", exact: true }).click();
  await page.getByText("The server is not ready yet").waitFor();
  await page.unroute("**/api/keepwatch/v1/silences*");
  await until("the list is there", async () => (await page.locator(".list-counts").count()) > 0);
  await close();
});
