// The path of a line over linear scales. uPlot's own goes from value to pixel through several functions for each point,
// which for 50 lines of 1,000 points was most of the time of drawing them.
import type uPlot from "uplot";

/** What a path needs of a plot. */
export type Area = Pick<uPlot, "bbox" | "scales" | "data">;

/** Where a line goes on, in pixels of the canvas; what is not there parts it. */
export interface Pen {
  moveTo: (x: number, y: number) => void;
  lineTo: (x: number, y: number) => void;
}

export function draw(pen: Pen, plot: Area, line: number, first: number, last: number): void {
  const { left, top, width, height } = plot.bbox;
  const { x, y } = plot.scales;
  const times = plot.data[0];
  const values = plot.data[line];
  if (!values || x?.min == null || x.max == null || y?.min == null || y.max == null) return;
  const perSecond = width / (x.max - x.min);
  const perUnit = height / (y.max - y.min);
  const [fromX, fromY, bottom] = [x.min, y.min, top + height];
  let isDown = false;
  for (let at = first; at <= last; at += 1) {
    const value = values[at];
    // As uPlot has it: null is a gap, undefined is nothing.
    if (value === undefined) continue;
    if (value === null) isDown = false;
    else {
      const placeX = left + ((times[at] ?? 0) - fromX) * perSecond;
      const placeY = bottom - (value - fromY) * perUnit;
      if (isDown) pen.lineTo(placeX, placeY);
      else pen.moveTo(placeX, placeY);
      isDown = true;
    }
  }
}

export const linePaths: uPlot.Series.PathBuilder = (plot, line, first, last) => {
  const stroke = new Path2D();
  draw(stroke, plot, line, first, last);
  return { stroke, fill: null, clip: null, flags: 1 };
};
