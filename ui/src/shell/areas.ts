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
      { path: "/query", title: names.query, icon: "query", key: "q", needs: "/query/explain" },
      { path: "/explore/metrics", title: names.metrics, icon: "metrics", needs: "/metrics" },
      { path: "/queries", title: names.queries, icon: "log", needs: "/queries" },
    ],
  },
  {
    title: titles.alerts,
    pages: [
      { path: "/alerts", title: names.alerts, icon: "alert", key: "a" },
      { path: "/rules", title: names.rules, icon: "rules", key: "r", needs: "/rules" },
      { path: "/timeline", title: names.timeline, icon: "timeline", needs: "/journal" },
      { path: "/silences", title: names.silences, icon: "silence", key: "s", needs: "/silences" },
      { path: "/routing", title: names.routing, icon: "routing" },
    ],
  },
  {
    title: titles.collect,
    pages: [
      { path: "/targets", title: names.targets, icon: "target", key: "t", needs: "/targets" },
      { path: "/discovery", title: names.discovery, icon: "discovery", needs: "/discovery" },
      { path: "/why", title: names.why, icon: "why", needs: "/why" },
    ],
  },
  {
    title: titles.server,
    pages: [
      { path: "/status", title: names.overview, icon: "overview", key: "o" },
      { path: "/storage", title: names.storage, icon: "storage", needs: "/metrics" },
      { path: "/config", title: names.config, icon: "config", needs: "/config" },
      { path: "/flags", title: names.flags, icon: "flags", needs: "/config" },
      { path: "/peers", title: names.peers, icon: "peers" },
    ],
  },
];

/** Until the paths are known, a page counts as there: most servers have all. */
function works(page: PageLink, paths: readonly string[] | undefined): boolean {
  return page.needs === undefined || paths === undefined || paths.includes(page.needs);
}

/** Areas with the pages that this server has something behind. */
export function areasThatWork(paths: readonly string[] | undefined): Area[] {
  return areas
    .map((area) => ({ ...area, pages: area.pages.filter((page) => works(page, paths)) }))
    .filter((area) => area.pages.length > 0);
}

/** The page of an address, if this server has nothing behind it. `shown` is the pattern of our own page. */
export function pageWithoutServer(shown: string | undefined, paths: readonly string[] | undefined): PageLink | null {
  const page = areas.flatMap((area) => area.pages).find((one) => one.path === shown);
  return page !== undefined && !works(page, paths) ? page : null;
}
