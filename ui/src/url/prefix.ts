// The prefix that the UI is served below. Nobody tells it: it is what stands before the page's own path, so it
// is right behind any proxy.
import { pages } from "../api/pages.gen";

/** A pattern of the table of pages; `{name}` stands for one segment. */
function suffixOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.*+?^$()[\]\\|]/g, "\\$&").replace(/\{[^}]*\}/g, "[^/]+");
  return new RegExp(`^(.*?)${escaped}/?$`);
}

const patterns = pages.map((page) => ({ page, expression: suffixOf(page.path) }));

export interface Place {
  /** Without a trailing slash; "" for none. */
  prefix: string;
  /** Below the prefix, with a leading slash. */
  path: string;
}

/** Splits a path as the browser has it. Where several pages fit, the longest is meant. */
export function split(pathname: string): Place {
  let best: Place | undefined;
  for (const { expression } of patterns) {
    const prefix = expression.exec(pathname)?.[1];
    if (prefix !== undefined && (best === undefined || prefix.length < best.prefix.length)) {
      best = { prefix, path: pathname.slice(prefix.length) };
    }
  }
  return best ?? { prefix: pathname.replace(/\/$/, ""), path: "/" };
}

/** The page of our own that a path below the prefix shows, as its pattern. */
export function shownBy(path: string): string | undefined {
  const found = patterns.filter(({ expression }) => expression.exec(path)?.[1] === "");
  // A literal path wins over one with a placeholder: /silences/new over /silences/{id}.
  found.sort((a, b) => Number(a.page.path.includes("{")) - Number(b.page.path.includes("{")));
  return found[0]?.page.shows;
}
