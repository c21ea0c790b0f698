// The part of the past that a timeline shows, as the address has it: `from=-6h` up to now, or two moments. And where
// things stand in it.

import { parseTime } from "../../url/panels";
import { parseDuration } from "../duration";

export interface PastRange {
  fromMs: number;
  /** Null is now. */
  toMs: number | null;
  /** Milliseconds, of a range that follows the time. */
  lengthMs: number | null;
}

/** Ranges that follow the time begin on a grid, so that they are not another question every second. */
const gridMs = 15_000;

export function readRange(from: string, to: string, defaultMs: number, nowMs: number): PastRange {
  const toMs = to === "" ? null : parseTime(to);
  const length = from.startsWith("-") ? parseDuration(from.slice(1)) : null;
  const fromMs = from === "" || length !== null ? null : parseTime(from);
  if (fromMs !== null && fromMs < (toMs ?? nowMs)) return { fromMs, toMs, lengthMs: null };
  const lengthMs = length !== null && length > 0 ? length : defaultMs;
  const end = toMs ?? Math.floor(nowMs / gridMs) * gridMs;
  return { fromMs: end - lengthMs, toMs, lengthMs: toMs === null ? lengthMs : null };
}

/** Per cent of the width; null for what lies outside. */
export function place(range: { fromMs: number; toMs: number }, fromMs: number, toMs: number) {
  const width = range.toMs - range.fromMs;
  if (!(width > 0) || toMs < range.fromMs || fromMs > range.toMs) return null;
  const left = (Math.max(fromMs, range.fromMs) - range.fromMs) / width;
  const right = (Math.min(toMs, range.toMs) - range.fromMs) / width;
  return { left: left * 100, width: (right - left) * 100 };
}

const minuteMs = 60_000;
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map((minutes) => minutes * minuteMs);

/** Moments to write on the axis: at most `most`, on whole steps of the zone. */
export function ticks(range: { fromMs: number; toMs: number }, most: number, offsetMs: number): number[] {
  const width = range.toMs - range.fromMs;
  if (!(width > 0)) return [];
  const last = steps[steps.length - 1] ?? minuteMs;
  const step = steps.find((one) => width / one <= most) ?? Math.ceil(width / most / last) * last;
  const first = Math.ceil((range.fromMs + offsetMs) / step) * step - offsetMs;
  const found: number[] = [];
  for (let at = first; at <= range.toMs; at += step) found.push(at);
  return found;
}
