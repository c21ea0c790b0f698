// Lines over time, drawn by uPlot. Everything that is drawn is also in the legend's table and in a sentence.
import { type ReactNode, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatInstant, formatNumber } from "../kit/format";
import { type Settings, useSettings } from "../kit/settings";
import { type Grid, stack } from "./align";
import { strokeOf } from "./palette";

interface PlotProps {
  grid: Grid;
  isHidden: (line: number) => boolean;
  isStacked: boolean;
  startsAtZero: boolean;
  /** The range that was asked for, in seconds: axes show it whole. */
  from: number;
  to: number;
  label: string;
  onZoom: (fromSeconds: number, toSeconds: number) => void;
  onZoomOut: () => void;
  /** The line under the pointer, or null. */
  onPoint?: (line: number | null) => void;
  /** Laid over the lines; fractions of this area are fractions of the range. */
  children?: ReactNode;
}

const height = 320;

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function isDarkNow(): boolean {
  return document.documentElement.dataset.mantineColorScheme === "dark";
}

/** Hours with 24, dates as in the rest of the UI. */
function timeTicks(
  zone: Settings["zone"],
): (self: uPlot, splits: number[], axis: number, space: number, step: number) => string[] {
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

function optionsOf(
  props: PlotProps,
  width: number,
  zone: Settings["zone"],
  latest: { current: PlotProps },
): uPlot.Options {
  const text = token("--dim");
  const line = token("--line");
  const axis = {
    stroke: text,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: "12px system-ui",
  };
  const isDark = isDarkNow();
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, focus: { prox: 24 }, points: { size: 7 } },
    focus: { alpha: 0.3 },
    scales: {
      x: { time: true, range: () => [props.from, props.to] },
      y: {
        range: (_, min, max) => {
          if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
          const low = props.startsAtZero || props.isStacked ? Math.min(0, min) : min;
          const pad = (max - low || Math.abs(max) || 1) * 0.06;
          return [low === 0 ? 0 : low - pad, max + pad];
        },
      },
    },
    axes: [
      { ...axis, values: timeTicks(zone) },
      { ...axis, size: 70, values: (_, splits) => splits.map(formatNumber) },
    ],
    series: [
      {},
      ...props.grid.lines.map((_, index): uPlot.Series => {
        const { color, dash } = strokeOf(index, isDark);
        return {
          stroke: color,
          dash,
          width: 1.5,
          show: !props.isHidden(index),
          ...(props.isStacked ? { fill: `${color}33` } : {}),
          points: { show: props.grid.times.length < 3 },
          spanGaps: false,
        };
      }),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const from = plot.posToVal(plot.select.left, "x");
          const to = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom(from, to);
        },
      ],
      setCursor: [(plot) => showHint(plot, latest.current, zone)],
      draw: [placeMarks],
      setSeries: [(_, index) => latest.current.onPoint?.(index === null || index === 0 ? null : index - 1)],
    },
  };
}

/** Time and value under the pointer, in an element that uPlot does not know of. */
function showHint(plot: uPlot, props: PlotProps, zone: Settings["zone"]): void {
  const hint = plot.root.closest(".plot")?.querySelector<HTMLElement>(".plot-hint");
  if (!hint) return;
  const at = plot.cursor.idx;
  if (at === null || at === undefined || plot.cursor.left === undefined || plot.cursor.left < 0) {
    hint.textContent = "";
    return;
  }
  const time = formatInstant((props.grid.times[at] ?? 0) * 1000, zone);
  const focused = plot.series.findIndex(
    (one, index) => index > 0 && (one as { _focus?: boolean | null })._focus === true,
  );
  const value = focused > 0 ? props.grid.lines[focused - 1]?.values[at] : undefined;
  hint.textContent = value === undefined || value === null ? time : `${time} · ${formatNumber(value)}`;
}

/** Tells the style where the lines are, so that what lies over them moves along without being rendered. */
function placeMarks(plot: uPlot): void {
  const style = plot.root.closest<HTMLElement>(".plot")?.style;
  for (const side of ["left", "top", "width", "height"] as const)
    style?.setProperty(`--plot-${side}`, `${plot.bbox[side] / devicePixelRatio}px`);
}

export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const { zone, theme } = useSettings();
  const { grid, isHidden, isStacked, startsAtZero, from, to } = props;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides the colours that are read from the document
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const columns = isStacked ? stack(grid.lines) : grid.lines.map((line) => line.values);
    const data = [grid.times, ...columns] as uPlot.AlignedData;
    const plot = new uPlot(optionsOf(latest.current, element.clientWidth || 600, zone, latest), data, element);
    const onDouble = () => latest.current.onZoomOut();
    plot.over.addEventListener("dblclick", onDouble);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [grid, isHidden, isStacked, startsAtZero, from, to, zone, theme]);

  return (
    <div className="plot">
      <div ref={place} role="img" aria-label={props.label} />
      {props.children && <div className="plot-marks">{props.children}</div>}
      <p className="plot-hint small dim" aria-hidden="true" />
    </div>
  );
}
