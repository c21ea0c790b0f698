// Pictures of docs/ui. They show times and what happened, so nothing is compared: they are written with UPDATE=1,
// and otherwise only have to be there.
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";

export const folder = resolve(import.meta.dirname, "../../docs/ui");
const isUpdate = process.env.UPDATE !== undefined;
const bytesMax = 60_000;

export async function shoot(page: Page, name: string): Promise<void> {
  const path = join(folder, `${name}.webp`);
  if (isUpdate) {
    mkdirSync(folder, { recursive: true });
    await page.waitForLoadState("networkidle");
    const session = await page.context().newCDPSession(page);
    for (const quality of [80, 65, 50, 35, 20]) {
      const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
      writeFileSync(path, Buffer.from(data, "base64"));
      if (statSync(path).size <= bytesMax) break;
    }
    await session.detach();
  }
  expect(existsSync(path), `${path}: write it with UPDATE=1`).toBe(true);
  expect(statSync(path).size, path).toBeLessThanOrEqual(bytesMax);
}
