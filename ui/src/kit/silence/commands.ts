// What one would type instead: the commands that do the same as the buttons.
import { formatDuration } from "../duration";
import { type MatcherRow, rowText } from "./matchers";
import type { Span } from "./span";

/** For a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

function times(span: Span): string[] {
  const moment = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");
  return [
    ...(span.startMs === null ? [] : [`--start=${moment(span.startMs)}`]),
    ...(span.endMs === null ? ["-d", formatDuration(span.lengthMs ?? 0)] : [`--end=${moment(span.endMs)}`]),
  ];
}

export interface Said {
  rows: readonly MatcherRow[];
  span: Span;
  createdBy: string;
  comment: string;
  annotations?: Readonly<Record<string, string>>;
}

export function addCommand(url: string, said: Said): string {
  const annotations = Object.entries(said.annotations ?? {}).map(([name, value]) => `--annotation=${name}=${value}`);
  const about = ["-a", said.createdBy, "-c", said.comment, ...annotations];
  const matchers = said.rows.filter((row) => row.name !== "").map(rowText);
  return shellLine(["keepwatch", "silence", "add", `--url=${url}`, ...about, ...times(said.span), ...matchers]);
}

export function updateCommand(url: string, ids: readonly string[], span: Span, comment?: string): string {
  const about = comment === undefined ? [] : ["-c", comment];
  return shellLine(["keepwatch", "silence", "update", `--url=${url}`, ...about, ...times(span), ...ids]);
}

export function expireCommand(url: string, ids: readonly string[]): string {
  return shellLine(["keepwatch", "silence", "expire", `--url=${url}`, ...ids]);
}
