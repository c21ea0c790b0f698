// The real program with the demo scenario, and Debian's Chromium. Everything waits by condition, within a bound.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium, type Page } from "playwright-core";
import { vi } from "vitest";

const root = resolve(import.meta.dirname, "../..");
export const program = process.env.KEEPWATCH_BIN ?? join(root, "target/debug/keepwatch");
const boundMs = 60_000;

export interface Running {
  url: string;
  /** `break metering-svc`, `heal`, `fail-backup`. */
  demo: (...command: string[]) => Promise<void>;
  /** What the program wrote, for failures. */
  output: () => string;
  stop: () => Promise<void>;
}

/** Starts the program and waits for a line that holds its address. */
async function start(command: string[], address: RegExp): Promise<Running> {
  if (!existsSync(program))
    throw new Error(`${program} is not there; build it: cargo build -p keepwatch --features ui`);
  const folder = mkdtempSync(join(tmpdir(), "keepwatch-browser-"));
  const env = { ...process.env, TMPDIR: folder };
  const child: ChildProcess = spawn(program, command, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  const url = await new Promise<string>((found, failed) => {
    const bound = setTimeout(() => failed(new Error(`no address after ${boundMs} ms:\n${written}`)), boundMs);
    const read = (chunk: Buffer) => {
      written += chunk.toString();
      const at = address.exec(written)?.[1];
      if (at === undefined) return;
      clearTimeout(bound);
      found(at);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("exit", (code) => failed(new Error(`ended with ${code}:\n${written}`)));
  });
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const demo = async (...words: string[]) => {
    await promisify(execFile)(program, ["demo", ...words], { cwd: root, env });
  };
  return { url, demo, stop, output: () => written };
}

export async function startDemo(): Promise<Running> {
  const running = await start(["demo", "--port", "0"], /targets\s+(http:\/\/[^/\s]+)\/api/);
  // The demo shows one alert by itself first; then it takes commands.
  await orStop(running, () => until("the demo takes commands", () => /^ready;/m.test(running.output()), boundMs * 2));
  return running;
}

/** What cannot be used must not stay behind. */
async function orStop(running: Running, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    await running.stop();
    throw new Error(`${error}\n${running.output()}`);
  }
}

export async function startServer(prefix = "", more: readonly string[] = []): Promise<Running> {
  const flags = [...(prefix === "" ? [] : [`--web.external-url=http://localhost${prefix}`]), ...more];
  const data = mkdtempSync(join(tmpdir(), "keepwatch-data-"));
  const command = [
    "serve",
    "--web.listen-address=127.0.0.1:0",
    `--storage.tsdb.path=${data}`,
    "--log.level=error",
    ...flags,
  ];
  const running = await start(command, /listening on (http:\/\/\S+)/);
  const stop = async () => {
    await running.stop();
    rmSync(data, { recursive: true, force: true });
  };
  await orStop(running, () =>
    until("the server is ready", async () => (await fetch(`${running.url}${prefix}/-/ready`)).ok),
  );
  return { ...running, stop };
}

/** The role of an Alertmanager alone. */
export async function startAlertmanager(): Promise<Running> {
  const data = mkdtempSync(join(tmpdir(), "keepwatch-alone-"));
  const config = join(data, "alertmanager.yml");
  writeFileSync(config, "route: {receiver: team}\nreceivers: [{name: team}]\n");
  const command = [
    "alertmanager",
    `--config.file=${config}`,
    `--storage.path=${join(data, "store")}`,
    "--web.listen-address=127.0.0.1:0",
    "--cluster.listen-address=",
  ];
  const running = await start(command, /listening on (http:\/\/[^\s"]+)/);
  const stop = async () => {
    await running.stop();
    rmSync(data, { recursive: true, force: true });
  };
  return { ...running, stop };
}

/** JSON to the server; gives the JSON of its answer, or null if that is empty. */
export async function send(url: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

export async function addSilence(
  server: Running,
  silence: { matchers: ReadonlyArray<readonly [string, string]>; comment: string; minutes: number },
): Promise<string> {
  const answer = await send(`${server.url}/api/v2/silences`, {
    matchers: silence.matchers.map(([name, value]) => ({ name, value, isRegex: false, isEqual: true })),
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + silence.minutes * 60_000).toISOString(),
    createdBy: "tester",
    comment: silence.comment,
  });
  return (answer as { silenceID: string }).silenceID;
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, bound = boundMs): Promise<void> {
  const look = async () => {
    if (!(await holds())) throw new Error(`not within ${bound} ms: ${what}`);
  };
  await vi.waitFor(look, { timeout: bound, interval: 100 });
}

export async function launch(): Promise<Browser> {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-headless-shell"];
  const executablePath = known.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined) throw new Error("there is no chromium; install Debian's package of this name");
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

export interface Look {
  theme?: "light" | "dark";
  width?: number;
}

/** A page that fails the test for errors in its console and for what the policy of contents stops. */
export async function open(
  browser: Browser,
  url: string,
  look: Look = {},
): Promise<{ page: Page; problems: string[]; close: () => Promise<void> }> {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: 800 },
    colorScheme: look.theme ?? "light",
    timezoneId: "UTC",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    // Refused requests are part of some tests, and shown on the page.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems, close: () => context.close() };
}

const axeSource = readFileSync(join(root, "ui/node_modules/axe-core/axe.min.js"), "utf8");

/** Violations of WCAG 2.2 A and AA, each with what to look at. */
export async function violations(page: Page): Promise<string[]> {
  // Past the page's own policy, which forbids such scripts, as it should.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axeSource });
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then((found) => JSON.stringify(found.violations))`;
  const answer = await session.send("Runtime.evaluate", { expression: run, awaitPromise: true });
  await session.detach();
  const found = JSON.parse(String(answer.result.value)) as Array<{
    id: string;
    nodes: Array<{ html: string; failureSummary: string }>;
  }>;
  return found.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 200)}`),
  );
}
