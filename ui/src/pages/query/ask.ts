// Running a panel's expression, and what is known about the answer.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type Answer, get } from "../../api/client";
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

/** A panel that ends now follows the time; others are asked once. */
export function useAnswer(panel: Panel) {
  const { figuresMs } = useLive();
  const isGraph = panel.tab === "graph";
  const follows = isGraph ? panel.endMs === null : panel.momentMs === null;
  const { expression, rangeMs, endMs, momentMs } = panel;
  const step = stepOf(panel);
  return useQuery<Ran>({
    queryKey: ["query", isGraph ? "range" : "instant", expression, isGraph ? [rangeMs, endMs, step] : momentMs],
    enabled: expression.trim() !== "" && (isGraph || panel.tab === "table"),
    // A query costs the server something: not more often than its own step would show.
    refetchInterval: follows && figuresMs !== false ? Math.max(figuresMs, isGraph ? step * 1000 : 0) : false,
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: async ({ signal }) => {
      const started = performance.now();
      if (!isGraph) {
        const at = (momentMs ?? serverNow()) / 1000;
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
