// Changing silences, by Alertmanager's API.
import { act, post, urlOf } from "../../api/client";
import type { SilenceRow } from "../../api/types.gen";
import { serverNow } from "../Time";
import { type MatcherRow, matcherOf } from "./matchers";
import { momentsOf, type Span } from "./span";

export interface Draft {
  /** Of the silence that is changed. */
  id?: string | undefined;
  rows: readonly MatcherRow[];
  span: Span;
  createdBy: string;
  comment: string;
  annotations?: Readonly<Record<string, string>>;
}

/** Gives the id that the silence has now: a change may need a new one. */
export async function save(draft: Draft): Promise<string> {
  const { startMs, endMs } = momentsOf(draft.span, serverNow());
  const answer = await post("/api/v2/silences", {
    ...(draft.id === undefined ? {} : { id: draft.id }),
    matchers: draft.rows.filter((row) => row.name !== "").map(matcherOf),
    startsAt: new Date(startMs).toISOString(),
    endsAt: new Date(endMs).toISOString(),
    createdBy: draft.createdBy.trim(),
    comment: draft.comment.trim(),
    ...(draft.annotations === undefined ? {} : { annotations: { ...draft.annotations } }),
  });
  return answer.data.silenceID;
}

export async function expire(id: string): Promise<void> {
  await act(`/api/v2/silence/${encodeURIComponent(id)}`, "DELETE");
}

/** Everything stays but the end. */
export async function endAt(silence: SilenceRow, endMs: number): Promise<string> {
  const answer = await post("/api/v2/silences", {
    id: silence.id,
    matchers: silence.matcherSets[0] ?? [],
    startsAt: silence.startsAt,
    endsAt: new Date(endMs).toISOString(),
    createdBy: silence.createdBy,
    comment: silence.comment,
    annotations: silence.annotations,
  });
  return answer.data.silenceID;
}

/** One after the other. All are tried; what failed is told together. */
export async function each<T extends { id: string }>(of: readonly T[], change: (one: T) => Promise<unknown>) {
  const failed: string[] = [];
  for (const one of of) {
    try {
      await change(one);
    } catch (problem) {
      failed.push(`${one.id}: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }
  if (failed.length > 0) throw new Error(failed.join("\n"));
}

/** Where commands find this server. */
export function serverUrl(): string {
  return new URL(urlOf("/"), location.href).href.replace(/\/$/, "");
}
