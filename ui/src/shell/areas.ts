// The navigation, as a table. `needs` is a path of our own API; without it the page is not shown.
import type { IconName } from "../kit/Icon";
import { text } from "../text";

export interface PageLink {
  path: string;
  title: string;
  icon: IconName;
  /** After `g`. */
  key?: string;
  needs?: string;
}

export interface Area {
  title: string;
  pages: readonly PageLink[];
}

const { areas: titles, pages: names } = text.shell;

export const areas: readonly Area[] = [
  {
    title: titles.explore,
    pages: [
      { path: "/query", title: names.query, icon: "query", key: "q" },
      { path: "/explore/metrics", title: names.metrics, icon: "metrics" },
      { path: "/queries", title: names.queries, icon: "log", needs: "/queries" },
    ],
  },
  {
    title: titles.alerts,
    pages: [
      { path: "/alerts", title: names.alerts, icon: "alert", key: "a" },
      { path: "/rules", title: names.rules, icon: "rules", key: "r" },
      { path: "/silences", title: names.silences, icon: "silence", key: "s", needs: "/silences" },
      { path: "/routing", title: names.routing, icon: "routing" },
    ],
  },
  {
    title: titles.collect,
    pages: [
      { path: "/targets", title: names.targets, icon: "target", key: "t" },
      { path: "/discovery", title: names.discovery, icon: "discovery" },
      { path: "/why", title: names.why, icon: "why" },
    ],
  },
  {
    title: titles.server,
    pages: [
      { path: "/status", title: names.overview, icon: "overview", key: "o" },
      { path: "/storage", title: names.storage, icon: "storage" },
      { path: "/config", title: names.config, icon: "config" },
      { path: "/flags", title: names.flags, icon: "flags" },
      { path: "/peers", title: names.peers, icon: "peers" },
    ],
  },
];

export function linksThatWork(paths: readonly string[]): PageLink[] {
  return areas.flatMap((area) => area.pages).filter((page) => page.needs === undefined || paths.includes(page.needs));
}
