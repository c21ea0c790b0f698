// Running a panel's expression, and what is known about the answer.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type Answer, Failure, get } from "../../api/client";
import type { QueryData } from "../../api/types.gen";
import { serverNow } from "../../kit/Time";
import { useLive } from "../../live/live";
import { type Panel, stepOf } from "../../url/panels";

export interface Ran extends Answer<QueryData> {
  tookMs: number;
  /** Seconds. */
  from: number;
  to: number;
  step: number;
}

/** The server is busy with a query for a tenth of the time at most. */
const restOf = 10;

/**
 * A query costs the server something: it is not asked again sooner than its own step would show, nor than it is worth;
 * one that was refused would be refused again.
 */
export function againAfter(
  intervalMs: number,
  stepMs: number,
  tookMs: number | undefined,
  error: Error | null,
): number | false {
  if (error instanceof Failure && error.kind === "refused") return false;
  return Math.max(intervalMs, stepMs, (tookMs ?? 0) * restOf);
}

/** A panel that ends now follows the time; others are asked once. */
export function useAnswer(panel: Panel) {
  const { figuresMs } = useLive();
  const isGraph = panel.tab === "graph";
  const follows = panel.endMs === null;
  const { expression, rangeMs, endMs } = panel;
  const step = stepOf(panel);
  return useQuery<Ran>({
    queryKey: ["query", isGraph ? "range" : "instant", expression, isGraph ? [rangeMs, endMs, step] : endMs],
    enabled: expression.trim() !== "" && (isGraph || panel.tab === "table"),
    refetchInterval: ({ state }) =>
      follows && figuresMs !== false
        ? againAfter(figuresMs, isGraph ? step * 1000 : 0, state.data?.tookMs, state.error)
        : false,
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async ({ signal }) => {
      const started = performance.now();
      if (!isGraph) {
        const at = (endMs ?? serverNow()) / 1000;
        const answer = await get("/api/v1/query", { query: expression, time: at.toFixed(3), stats: "true" }, signal);
        return { ...answer, tookMs: performance.now() - started, from: at, to: at, step: 0 };
      }
      // On the grid of the step, so that points stay where they are while time goes on.
      const to = endMs === null ? Math.floor(serverNow() / 1000 / step) * step : endMs / 1000;
      const from = to - Math.floor(rangeMs / 1000 / step) * step;
      const params = {
        query: expression,
        start: from.toFixed(3),
        end: to.toFixed(3),
        step: String(step),
        stats: "true",
      };
      const answer = await get("/api/v1/query_range", params, signal);
      return { ...answer, tookMs: performance.now() - started, from, to, step };
    },
  });
}
