// Comments that are written again and again, kept in this browser.
import { change, settings } from "../settings";

export const templatesMax = 50;
/** Letters, as of a comment. */
const lengthMax = 10_000;

/** The storage of a browser may hold anything. */
export function readTemplates(stored: unknown): string[] {
  if (!Array.isArray(stored)) return [];
  const texts = stored.filter((one): one is string => typeof one === "string");
  return [...new Set(texts.map((one) => one.trim().slice(0, lengthMax)))]
    .filter((one) => one !== "")
    .slice(0, templatesMax);
}

export function templates(): string[] {
  return readTemplates(settings().templates);
}

/** The newest first; the oldest goes if there are too many. */
export function addTemplate(comment: string): void {
  change({ templates: readTemplates([comment, ...templates()]) });
}

export function removeTemplate(comment: string): void {
  change({ templates: templates().filter((one) => one !== comment.trim()) });
}
