// What all plots over time share: axes, zoom by dragging, size, and colours of the theme that is on.
import { type RefObject, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatInstant } from "../kit/format";
import { type Settings, useSettings } from "../kit/settings";

export interface Zoom {
  onZoom: (fromSeconds: number, toSeconds: number) => void;
  onZoomOut: () => void;
}

export type Zone = Settings["zone"];

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
    const { options, data } = make(latest, zone);
    const plot = new uPlot({ ...options, width: element.clientWidth || 600 }, data, element);
    const onDouble = () => latest.current.onZoomOut();
    plot.over.addEventListener("dblclick", onDouble);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: options.height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [...uses, zone, theme]);
  return place;
}
