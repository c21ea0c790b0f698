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
    case "/discovery":
      return { path: own, params: fromList(withOutcome(params), hash) };
    case "/rules":
      return { path: own, params: withKinds(fromList(params, hash)) };
    case "/alerts":
    case "/targets":
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

/** Service discovery of Prometheus tells active targets from dropped ones. */
function withOutcome(old: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams(old);
  const words: Record<string, string> = { active: "kept", dropped: "dropped" };
  const outcomes = params.getAll("state").flatMap((state) => words[state] ?? []);
  params.delete("state");
  if (outcomes.length > 0 && !params.has("outcome")) params.set("outcome", outcomes.join(","));
  return params;
}

/** Kinds of rules as Prometheus' API calls them. */
function withKinds(params: URLSearchParams): URLSearchParams {
  const words: Record<string, string> = { alert: "alerting", record: "recording" };
  const kinds = params.getAll("type").flatMap((kinds) => kinds.split(",").map((kind) => words[kind] ?? kind));
  if (kinds.length > 0) params.set("type", kinds.join(","));
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
      // Only VictoriaMetrics has it; see there.
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
  const query = at < 0 ? "" : fragment.slice(at + 1);
  if (path.startsWith("/vmui")) return fromVmui(route, new URLSearchParams(query));
  const params = new URLSearchParams(withPluses(query));
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

/**
 * Alertmanager reads a plus of its fragments as a plus, as in `job=~".+"`; templates and forms write one for a space.
 * A value that holds what no form leaves as it is was not written by one, and after a closing bracket or a dot a plus
 * repeats it.
 */
function withPluses(query: string): string {
  const isForm = /^[A-Za-z0-9*\-._+%&=~]*$/.test(query) && !query.includes("%20");
  return query.replace(isForm ? /(?<=\.|\)|%29|\]|%5D|\\[a-zA-Z]|%5C[a-zA-Z])\+/gi : /\+/g, "%2B");
}

const vmuiPages: Record<string, string> = {
  "/": "/query",
  "/metrics": "/explore/metrics",
  "/cardinality": "/explore/metrics",
  "/top-queries": "/queries",
  "/active-queries": "/queries",
  "/relabeling": "/discovery",
  "/alerts": "/alerts",
  "/rules": "/rules",
  "/rule": "/rules",
  "/alerting": "/rules",
  "/notifiers": "/peers",
};

const vmuiTabs: Record<string, string> = { chart: "0", code: "1", table: "1", "3": "1" };
const unitLetters: Record<string, string> = { minute: "m", hour: "h", day: "d", year: "y" };

function fromVmui(route: string, params: URLSearchParams): Link {
  const path = vmuiPages[route] ?? "/query";
  if (path === "/query") return { path, params: fromPanels(fromVmuiPanels(params)) };
  const kept = new URLSearchParams();
  if (route === "/active-queries") kept.set("view", "running");
  const match = params.get("match");
  if (path === "/explore/metrics" && match) {
    const name = /^(?:\{__name__=")?([a-zA-Z_:][a-zA-Z0-9_:]*)(?:"\})?$/.exec(match)?.[1];
    if (name !== undefined) kept.set("q", name);
  }
  const search = params.get("search");
  if (search && (path === "/rules" || path === "/alerts")) kept.set("q", search);
  return { path, params: kept };
}

/** Its page has one range for all panels, says how it was chosen, and shows graphs unless it says otherwise. */
function fromVmuiPanels(old: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams(old);
  const numbers = new Set([...old.keys()].flatMap((name) => /^g(\d{1,3})\./.exec(name)?.[1] ?? []));
  for (const number of numbers) {
    for (const field of ["range_input", "end_input", "relative_time", "step_input", "tab"]) {
      const shared = old.get(`g0.${field}`);
      if (shared !== null && !params.has(`g${number}.${field}`)) params.set(`g${number}.${field}`, shared);
    }
    const tab = params.get(`g${number}.tab`) ?? "0";
    params.set(`g${number}.tab`, vmuiTabs[tab] ?? tab);
    // What was chosen as "the last hour" ends now, whatever else the link holds.
    const [, count, unit = ""] =
      /^last_(\d+)_(minute|hour|day|year)s?$/.exec(params.get(`g${number}.relative_time`) ?? "") ?? [];
    if (count === undefined) continue;
    params.set(`g${number}.range_input`, `${count}${unitLetters[unit]}`);
    params.delete(`g${number}.end_input`);
  }
  return params;
}
