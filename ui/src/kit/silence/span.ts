// When a silence holds, as the form has it: from a moment or now, for a duration or until a moment.
import { parseInstant } from "../format";
import { formatIn, parseIn, type Zone } from "../zone";

export interface Span {
  /** Milliseconds; null is the moment of saving. */
  startMs: number | null;
  /** Either this long from the start, */
  lengthMs: number | null;
  /** or until then. */
  endMs: number | null;
}

const hourMs = 3_600_000;
export const lengths: readonly number[] = [1, 2, 4, 8, 24, 72, 168].map((hours) => hours * hourMs);
export const defaultSpan: Span = { startMs: null, lengthMs: 2 * hourMs, endMs: null };

/** What is saved. */
export function momentsOf(span: Span, nowMs: number): { startMs: number; endMs: number } {
  const startMs = span.startMs ?? nowMs;
  return { startMs, endMs: span.endMs ?? startMs + (span.lengthMs ?? 0) };
}

export type SpanProblem = "ends-before-start" | "ends-in-past";

export function problemOf(span: Span, nowMs: number): SpanProblem | null {
  const { startMs, endMs } = momentsOf(span, nowMs);
  if (endMs <= startMs) return "ends-before-start";
  return endMs <= nowMs ? "ends-in-past" : null;
}

export function spanOf(silence: { startsAt: string; endsAt: string }): Span {
  return { startMs: parseInstant(silence.startsAt), lengthMs: null, endMs: parseInstant(silence.endsAt) };
}

/** For a field of the browser's calendar: `2026-08-21T10:00:00`, in the zone that was chosen. */
export function toField(ms: number | null, zone: Zone): string {
  return ms === null ? "" : formatIn(ms, zone).replace(" ", "T");
}

export function fromField(text: string, zone: Zone): number | null {
  return parseIn(text, zone);
}
