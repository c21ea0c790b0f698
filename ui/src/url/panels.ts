// The panels of the Query page in the address: `gN.*`, as Prometheus writes them.
import { formatDuration, parseDuration } from "../kit/duration";

export type Tab = "graph" | "table" | "explain" | "cost";
export type Display = "lines" | "stacked" | "heatmap";
export type Resolution = { type: "auto"; density: "low" | "medium" | "high" } | { type: "fixed"; seconds: number };

export interface Panel {
  expression: string;
  tab: Tab;
  /** Length of the range of a graph. */
  rangeMs: number;
  /** End of the range, and the time of a table; null is now. */
  endMs: number | null;
  resolution: Resolution;
  display: Display;
  startsAtZero: boolean;
  showsExemplars: boolean;
  /** Series of the legend that are switched off, as label texts. */
  hidden: string[];
  hasLegend: boolean;
  /** The explanation stands above the answer. */
  showsTree: boolean;
}

const panelsMax = 50;
const hourMs = 3_600_000;

export const emptyPanel: Panel = {
  expression: "",
  tab: "table",
  rangeMs: hourMs,
  endMs: null,
  resolution: { type: "auto", density: "medium" },
  display: "lines",
  startsAtZero: false,
  showsExemplars: false,
  hidden: [],
  hasLegend: true,
  showsTree: false,
};

/** `2026-08-21 10:00:00`, in UTC, as Prometheus has it. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

export function parseTime(text: string): number | null {
  const seconds = /^\d{9,}(\.\d+)?$/.test(text) ? Number(text) * 1000 : Number.NaN;
  const ms = Number.isNaN(seconds) ? Date.parse(`${text.trim().replace(" ", "T").replace(/Z$/, "")}Z`) : seconds;
  return Number.isFinite(ms) ? ms : null;
}

function one<T extends string>(value: string | null, known: readonly T[], fallback: T): T {
  return known.find((candidate) => candidate === value) ?? fallback;
}

function readPanel(params: URLSearchParams, index: number): Panel {
  const get = (name: string) => params.get(`g${index}.${name}`);
  const time = (name: string) => {
    const text = get(name);
    return text ? parseTime(text) : null;
  };
  // Links of VictoriaMetrics have a step alone; those of Prometheus 2 a step in seconds.
  const step = get("res_step") ?? get("step_input");
  const seconds = step ? (parseDuration(step) ?? Number(step) * 1000) / 1000 : Number.NaN;
  const isFixed = get("res_type") === "fixed" || get("res_type") === "custom" || (get("res_type") === null && step);
  return {
    expression: get("expr") ?? "",
    tab: one(get("tab"), ["graph", "table", "explain", "cost"], "table"),
    rangeMs: parseDuration(get("range_input") ?? "") || hourMs,
    // Prometheus 2 and 3 write both, and have one time for graph and table.
    endMs: time("moment_input") ?? time("end_input"),
    resolution:
      isFixed && seconds > 0
        ? { type: "fixed", seconds }
        : { type: "auto", density: one(get("res_density"), ["low", "medium", "high"], "medium") },
    display: one(get("display_mode"), ["lines", "stacked", "heatmap"], "lines"),
    startsAtZero: get("y_axis_min") === "0",
    showsExemplars: get("show_exemplars") === "1",
    hidden: params.getAll(`g${index}.hide`),
    hasLegend: get("legend") !== "0",
    showsTree: get("show_tree") === "1",
  };
}

/** All panels of an address; one empty panel if there is none. */
export function readPanels(params: URLSearchParams): Panel[] {
  const numbers = new Set<number>();
  for (const name of params.keys()) {
    const number = /^g(\d{1,3})\./.exec(name)?.[1];
    if (number !== undefined) numbers.add(Number(number));
  }
  const sorted = [...numbers].sort((a, b) => a - b).slice(0, panelsMax);
  return sorted.length === 0 ? [emptyPanel] : sorted.map((index) => readPanel(params, index));
}

/** What differs from the defaults, numbered from 0. */
export function writePanels(panels: readonly Panel[]): URLSearchParams {
  const params = new URLSearchParams();
  panels.slice(0, panelsMax).forEach((panel, index) => {
    const set = (name: string, value: string) => params.set(`g${index}.${name}`, value);
    set("expr", panel.expression);
    set("tab", panel.tab);
    if (panel.tab === "graph" || panel.rangeMs !== hourMs) set("range_input", formatDuration(panel.rangeMs));
    if (panel.endMs !== null) {
      set("end_input", formatTime(panel.endMs));
      set("moment_input", formatTime(panel.endMs));
    }
    if (panel.resolution.type === "fixed") {
      set("res_type", "fixed");
      set("res_step", String(panel.resolution.seconds));
    } else if (panel.resolution.density !== "medium") {
      set("res_type", "auto");
      set("res_density", panel.resolution.density);
    }
    if (panel.display !== "lines") set("display_mode", panel.display);
    if (panel.startsAtZero) set("y_axis_min", "0");
    if (panel.showsExemplars) set("show_exemplars", "1");
    if (!panel.hasLegend) set("legend", "0");
    if (panel.showsTree) set("show_tree", "1");
    for (const series of panel.hidden) params.append(`g${index}.hide`, series);
  });
  return params;
}

/** The step of a range query, in seconds: a nice number of points for the density, never over 11,000. */
export function stepOf(panel: Panel): number {
  const rangeSeconds = panel.rangeMs / 1000;
  const leastOf = Math.ceil((rangeSeconds / 10_900) * 1000) / 1000;
  if (panel.resolution.type === "fixed") return Math.max(panel.resolution.seconds, leastOf);
  const points = { low: 100, medium: 250, high: 750 }[panel.resolution.density];
  const exact = rangeSeconds / points;
  return Math.max(exact < 1 ? Math.ceil(exact * 1000) / 1000 : Math.ceil(exact), 0.001);
}
