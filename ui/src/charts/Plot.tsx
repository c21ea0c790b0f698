// Lines over time, drawn by uPlot. Everything that is drawn is also in the legend's table and in a sentence.
import type { ReactNode, RefObject } from "react";
import type uPlot from "uplot";
import { formatNumber } from "../kit/format";
import type { Zone } from "../kit/zone";
import { type Grid, spanOf, stack } from "./align";
import { axesOf, hint, isDarkNow, type Made, placeMarks, usePlot, type Zoom, zoomOf } from "./frame";
import { linePaths } from "./lines";
import { strokeOf } from "./palette";

interface PlotProps extends Zoom {
  grid: Grid;
  isHidden: (line: number) => boolean;
  isStacked: boolean;
  startsAtZero: boolean;
  /** The range that was asked for, in seconds: axes show it whole. */
  from: number;
  to: number;
  label: string;
  /** The line under the pointer, or null. */
  onPoint?: (line: number | null) => void;
  /** Laid over the lines; fractions of this area are fractions of the range. */
  children?: ReactNode;
}

/** With more lines only the one under the pointer has a point on it: each is an element of its own. */
const pointsMax = 12;

function make(latest: RefObject<PlotProps>, zone: Zone): Made {
  const props = latest.current;
  const { grid, isStacked, startsAtZero, from, to } = props;
  const isDark = isDarkNow();
  const columns = isStacked ? stack(grid.lines) : grid.lines.map((line) => line.values);
  const options: Made["options"] = {
    height: 320,
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      focus: { prox: 24 },
      points: { size: 7, one: grid.lines.length > pointsMax },
    },
    focus: { alpha: 0.3 },
    scales: {
      x: { time: true, range: () => [from, to] },
      y: { range: (_, min, max) => spanOf(min, max, startsAtZero || isStacked) },
    },
    axes: axesOf(zone, { values: (_, splits) => splits.map(formatNumber) }),
    series: [
      {},
      ...grid.lines.map((_, index): uPlot.Series => {
        const { color, dash } = strokeOf(index, isDark);
        return {
          stroke: color,
          dash,
          width: 1.5,
          show: !props.isHidden(index),
          ...(isStacked ? { fill: `${color}33` } : { paths: linePaths }),
          points: { show: grid.times.length < 3 },
          spanGaps: false,
        };
      }),
    ],
    hooks: {
      setSelect: [zoomOf(latest)],
      setCursor: [(plot) => showHint(plot, grid, zone)],
      draw: [placeMarks],
      setSeries: [(_, index) => latest.current.onPoint?.(index === null || index === 0 ? null : index - 1)],
    },
  };
  return { options, data: [grid.times, ...columns] as uPlot.AlignedData };
}

/** Time and value under the pointer. */
function showHint(plot: uPlot, grid: Grid, zone: Zone): void {
  const at = plot.cursor.idx ?? -1;
  const focused = plot.series.findIndex(
    (one, index) => index > 0 && (one as { _focus?: boolean | null })._focus === true,
  );
  const value = focused > 0 ? grid.lines[focused - 1]?.values[at] : undefined;
  hint(plot, grid.times[at], value === undefined || value === null ? "" : formatNumber(value), zone);
}

export function Plot(props: PlotProps) {
  const { grid, isHidden, isStacked, startsAtZero, from, to } = props;
  const place = usePlot(props, [grid, isHidden, isStacked, startsAtZero, from, to], make);
  return (
    <div className="plot">
      <div ref={place} role="img" aria-label={props.label} />
      {props.children && <div className="plot-marks">{props.children}</div>}
      <p className="plot-hint small dim" aria-hidden="true" />
    </div>
  );
}
