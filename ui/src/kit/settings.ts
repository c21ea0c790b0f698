// What a person chose, in this browser: theme, time zone, density, keys, their name. Nothing secret.
import { useSyncExternalStore } from "react";

export interface Settings {
  theme: "auto" | "light" | "dark";
  /** `local`, `utc`, or the name of a zone. */
  zone: string;
  density: "normal" | "dense";
  /** Shortcuts of one key; screen readers have their own. */
  keys: boolean;
  railIsNarrow: boolean;
  /** Who makes silences, where nobody signs in. */
  author: string;
  /** Comments of silences to choose from, the newest first. */
  templates: readonly string[];
  /** Expressions of the page Query, the newest first. */
  snippets: readonly string[];
}

const defaults: Settings = {
  theme: "auto",
  zone: "local",
  density: "normal",
  keys: true,
  railIsNarrow: false,
  author: "",
  templates: [],
  snippets: [],
};
const place = "keepwatch.settings";
const listeners = new Set<() => void>();

function read(): Settings {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(place) ?? "{}");
    return typeof stored === "object" && stored !== null ? { ...defaults, ...stored } : defaults;
  } catch {
    // No storage, or somebody else's text in it.
    return defaults;
  }
}

let current = read();

export function settings(): Settings {
  return current;
}

export function change(changes: Partial<Settings>): void {
  current = { ...current, ...changes };
  try {
    localStorage.setItem(place, JSON.stringify(current));
  } catch {
    // Then they hold until the page is left.
  }
  apply();
  for (const listener of listeners) listener();
}

/** Onto the document, before the first paint and after each change. */
export function apply(): void {
  const isDark = current.theme === "dark" || (current.theme === "auto" && prefersDark());
  const root = document.documentElement;
  root.dataset.mantineColorScheme = isDark ? "dark" : "light";
  root.dataset.density = current.density;
}

function prefersDark(): boolean {
  return typeof matchMedia === "function" && matchMedia("(prefers-color-scheme: dark)").matches;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, settings);
}
