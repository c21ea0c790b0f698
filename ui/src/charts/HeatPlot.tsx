// Cells of a heatmap over time, on uPlot's axes. The table and the sentence beside it say the same.
import type { ReactNode, RefObject } from "react";
import type uPlot from "uplot";
import { formatNumber } from "../kit/format";
import type { Zone } from "../kit/zone";
import { axesOf, hint, isDarkNow, type Made, placeMarks, usePlot, type Zoom, zoomOf } from "./frame";
import { bandAt, type Heat, shade } from "./heat";
import { heatColor } from "./palette";

interface HeatPlotProps extends Zoom {
  heat: Heat;
  /** Of all heatmaps that are seen together, so that colours can be compared. */
  max: number;
  from: number;
  to: number;
  height: number;
  label: string;
  /** Laid over the cells. */
  children?: ReactNode;
}

/** As far apart as their text needs. */
function labelled(heat: Heat, pixels: number): number[] {
  const apart = 20 / Math.max(pixels, 20);
  const chosen: number[] = [];
  for (const height of heat.heights)
    if (chosen.length === 0 || height - (chosen[chosen.length - 1] ?? 0) >= apart) chosen.push(height);
  return chosen;
}

function paint(plot: uPlot, heat: Heat, max: number): void {
  const isDark = isDarkNow();
  const { ctx, bbox } = plot;
  const edges = heat.heights.map((height) => Math.round(plot.valToPos(height, "y", true)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { time, cells } of heat.columns) {
    const left = Math.round(plot.valToPos(time - heat.columnSeconds / 2, "x", true));
    const width = Math.max(Math.round(plot.valToPos(time + heat.columnSeconds / 2, "x", true)) - left, 1);
    for (const { low, high, count } of cells) {
      const top = edges[high] ?? 0;
      ctx.fillStyle = heatColor(shade(count, max), isDark);
      ctx.fillRect(left, top, width, Math.max((edges[low] ?? 0) - top, 1));
    }
  }
  ctx.restore();
}

function showHint(plot: uPlot, heat: Heat, zone: Zone): void {
  const column = heat.columns[plot.cursor.idx ?? -1];
  const band = bandAt(heat, plot.posToVal(plot.cursor.top ?? 0, "y"));
  const cell = column?.cells.find(({ low, high }) => low <= band && band < high);
  const bounds = cell && `${formatNumber(heat.edges[cell.low] ?? 0)} … ${formatNumber(heat.edges[cell.high] ?? 0)}`;
  hint(plot, column?.time, cell ? `${bounds} · ${formatNumber(cell.count)}` : "", zone);
}

function make(latest: RefObject<HeatPlotProps>, zone: Zone): Made {
  const { heat, max, from, to, height } = latest.current;
  const options: Made["options"] = {
    height,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
    scales: { x: { time: true, range: () => [from, to] }, y: { range: () => [0, 1] } },
    axes: axesOf(zone, {
      grid: { show: false },
      splits: (plot) => labelled(heat, plot.over.clientHeight || height),
      values: (_, splits) => splits.map((split) => formatNumber(heat.edges[heat.heights.indexOf(split)] ?? 0)),
    }),
    series: [{}, { show: true, points: { show: false } }],
    hooks: {
      draw: [(plot) => paint(plot, heat, max), placeMarks],
      setSelect: [zoomOf(latest)],
      setCursor: [(plot) => showHint(plot, heat, zone)],
    },
  };
  const times = heat.columns.map((column) => column.time);
  return { options, data: [times, times.map(() => null)] };
}

export function HeatPlot(props: HeatPlotProps) {
  const { heat, max, from, to, height } = props;
  const place = usePlot(props, [heat, max, from, to, height], make);
  return (
    <div className="plot">
      <div ref={place} role="img" aria-label={props.label} />
      {props.children && <div className="plot-marks">{props.children}</div>}
      <p className="plot-hint small dim" aria-hidden="true" />
    </div>
  );
}
