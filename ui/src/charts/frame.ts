// What all plots over time share: axes, zoom by dragging, size, and colours of the theme that is on.
import { type RefObject, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatInstant } from "../kit/format";
import { useSettings } from "../kit/settings";
import type { Zone } from "../kit/zone";

export interface Zoom {
  onZoom: (fromSeconds: number, toSeconds: number) => void;
  onZoomOut: () => void;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function isDarkNow(): boolean {
  return document.documentElement.dataset.mantineColorScheme === "dark";
}

/** Hours with 24, dates as in the rest of the UI. */
function timeTicks(zone: Zone): (self: uPlot, splits: number[], axis: number, space: number, step: number) => string[] {
  return (_, splits, __, ___, step) => {
    let day = "";
    return splits.map((seconds) => {
      const instant = formatInstant(seconds * 1000, zone);
      const [date = "", time = ""] = instant.replace("Z", "").split(" ");
      const isNewDay = date !== day;
      day = date;
      if (step >= 86_400) return date.slice(5);
      const shown = step < 60 ? time : time.slice(0, 5);
      return isNewDay ? `${shown}\n${date}` : shown;
    });
  };
}

/** The axis of times, and one of values that is told what it shows. */
export function axesOf(zone: Zone, values: uPlot.Axis): uPlot.Axis[] {
  const line = token("--line");
  const axis = {
    stroke: token("--dim"),
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: "12px system-ui",
  };
  return [
    { ...axis, values: timeTicks(zone) },
    { ...axis, size: 70, ...values },
  ];
}

export function zoomOf(latest: RefObject<Zoom>): (plot: uPlot) => void {
  return (plot) => {
    if (plot.select.width < 4) return;
    const from = plot.posToVal(plot.select.left, "x");
    const to = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    latest.current.onZoom(from, to);
  };
}

/** Writes beside the plot what is under the pointer: a time, and more if there is something. */
export function hint(plot: uPlot, time: number | undefined, more: string, zone: Zone): void {
  const place = plot.root.closest(".plot")?.querySelector<HTMLElement>(".plot-hint");
  if (!place) return;
  if (time === undefined || plot.cursor.left === undefined || plot.cursor.left < 0) place.textContent = "";
  else place.textContent = `${formatInstant(time * 1000, zone)}${more === "" ? "" : ` · ${more}`}`;
}

/** Tells the style where the lines are, so that what lies over them moves along without being rendered. */
export function placeMarks(plot: uPlot): void {
  const style = plot.root.closest<HTMLElement>(".plot")?.style;
  for (const side of ["left", "top", "width", "height"] as const)
    style?.setProperty(`--plot-${side}`, `${plot.bbox[side] / devicePixelRatio}px`);
}

export interface Made {
  options: Omit<uPlot.Options, "width">;
  data: uPlot.AlignedData;
}

/** The name of what the browser is told of drawing a plot; its developer tools and our recording show it. */
export const plotMeasure = "keepwatch:plot";
/** Beyond this it was not the first drawing. */
const measuredMs = 10_000;

/** From the answer being there to the last line drawn; only the newest is kept. */
function measured(startedAt: number): void {
  if (performance.getEntriesByName(plotMeasure).some((entry) => entry.startTime === startedAt)) return;
  if (performance.now() - startedAt > measuredMs) return;
  performance.clearMeasures(plotMeasure);
  performance.measure(plotMeasure, { start: startedAt });
}

/** Keeps a plot in the element: made anew when `uses` or the theme change, as wide as its place. */
export function usePlot<P extends Zoom>(
  props: P,
  uses: readonly unknown[],
  make: (latest: RefObject<P>, zone: Zone) => Made,
): RefObject<HTMLDivElement | null> {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const { zone, theme } = useSettings();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides the colours that are read from the document
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const startedAt = performance.now();
    const { options, data } = make(latest, zone);
    const width = element.clientWidth || 600;
    const hooks = { ...options.hooks, draw: [...(options.hooks?.draw ?? []), () => measured(startedAt)] };
    const plot = new uPlot({ ...options, hooks, width }, data, element);
    const onDouble = () => latest.current.onZoomOut();
    plot.over.addEventListener("dblclick", onDouble);
    // The first call is at once, and would draw everything a second time.
    const observer = new ResizeObserver(() => {
      if (plot.width !== element.clientWidth) plot.setSize({ width: element.clientWidth, height: options.height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [...uses, zone, theme]);
  return place;
}
