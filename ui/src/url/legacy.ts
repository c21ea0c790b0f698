// Links of the peers, old and new, in our own form. Pure: text in, text out.
import { shownBy } from "./prefix";

export interface Link {
  /** Below the prefix. */
  path: string;
  params: URLSearchParams;
}

/** What the address means. `path` is below the prefix. */
export function understand(path: string, search: string, hash: string): Link {
  if (hash.startsWith("#/")) return fromHash(path, hash.slice(1));
  const params = new URLSearchParams(search);
  const shows = shownBy(path) ?? path;
  const own = shows.includes("{") ? path : shows;
  switch (own) {
    case "/query":
      return { path: own, params: fromPanels(params) };
    case "/alerts":
    case "/rules":
    case "/targets":
    case "/discovery":
      return { path: own, params: fromList(params, hash) };
    default:
      return { path: own, params };
  }
}

/** Whether the address must change before anything is shown: fragments are no paths of ours. */
export function isHashLink(hash: string): boolean {
  return hash.startsWith("#/");
}

function move(params: URLSearchParams, from: string, to: string): void {
  const values = params.getAll(from).filter((value) => value !== "");
  if (values.length > 0 && !params.has(to)) params.set(to, values.join(","));
  if (from !== to) params.delete(from);
}

/** Lists of Prometheus: search → q; repeated states → one list; the page number means nothing here. */
function fromList(old: URLSearchParams, hash: string): URLSearchParams {
  const params = new URLSearchParams(old);
  move(params, "search", "q");
  move(params, "scrapePool", "pool");
  for (const name of ["state", "health"]) {
    const values = params.getAll(name);
    if (values.length > 0) params.set(name, values.join(","));
  }
  params.delete("page");
  params.delete("showAnnotations");
  if (hash.startsWith("#pool-") && !params.has("pool")) params.set("pool", decode(hash.slice("#pool-".length)));
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Panels: tabs of Prometheus 2 are numbers, its stacking a flag, and times of VictoriaMetrics have their own form. */
function fromPanels(old: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of old) {
    const [, panel, field] = /^g(\d{1,3})\.(.+)$/.exec(name) ?? [];
    if (panel === undefined || field === undefined) {
      params.append(name, value);
      continue;
    }
    if (field === "tab") params.set(name, value === "0" ? "graph" : value === "1" ? "table" : value);
    else if (field === "stacked") {
      if (value === "1") params.set(`g${panel}.display_mode`, "stacked");
    } else if (field === "relative_time") {
      // VictoriaMetrics names its choices: last_1_hour is also in range_input.
    } else if (field === "end_input" || field === "moment_input")
      params.set(name, value.replace("T", " ").replace(/Z$/, ""));
    else params.set(name, value);
  }
  return params;
}

/** Alertmanager's and VictoriaMetrics' pages stand behind `#/`. */
function fromHash(path: string, fragment: string): Link {
  const at = fragment.indexOf("?");
  const route = at < 0 ? fragment : fragment.slice(0, at);
  const params = new URLSearchParams(at < 0 ? "" : fragment.slice(at + 1));
  if (path.startsWith("/vmui")) return fromVmui(route, params);
  const silence = /^\/silences\/([^/]+)(\/edit)?$/.exec(route);
  if (route === "/alerts") return { path: "/alerts", params: fromAlertmanager(params) };
  if (route === "/silences") {
    move(params, "filter", "q");
    return { path: "/silences", params };
  }
  if (silence) return { path: route, params };
  if (route === "/status") return { path: "/status", params: new URLSearchParams() };
  if (route === "/settings")
    return { path: shownBy(path) ?? "/alerts", params: new URLSearchParams({ settings: "open" }) };
  const known = shownBy(route);
  return known === undefined ? { path: "/alerts", params: new URLSearchParams() } : understand(route, `?${params}`, "");
}

/** Alertmanager shows active alerts, and the others where a flag says so. */
function fromAlertmanager(old: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams();
  const filter = old.get("filter");
  if (filter) params.set("q", filter);
  const receiver = old.get("receiver");
  if (receiver) params.set("receiver", receiver);
  const states = [
    ...(old.get("active") === "false" ? [] : ["firing"]),
    ...["silenced", "inhibited", "muted"].filter((state) => old.get(state) === "true"),
  ];
  params.set("state", states.join(","));
  if (old.get("customGrouping") === "true") {
    params.set("by", "labels");
    params.set("group", old.get("group") ?? "");
  }
  return params;
}

const vmuiPages: Record<string, string> = {
  "/": "/query",
  "/metrics": "/explore/metrics",
  "/cardinality": "/explore/metrics",
  "/top-queries": "/queries",
  "/active-queries": "/queries",
  "/relabeling": "/discovery",
  "/rules": "/rules",
  "/alerting": "/rules",
  "/notifiers": "/peers",
};

function fromVmui(route: string, params: URLSearchParams): Link {
  const path = vmuiPages[route] ?? "/query";
  return { path, params: path === "/query" ? fromPanels(params) : new URLSearchParams() };
}
