// Whether what is shown is live, paused or stale. Pages ask at an interval; a hidden tab pauses by itself.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { Failure } from "../api/client";

export type LiveState = "live" | "paused" | "stale";

interface Live {
  state: LiveState;
  /** Between two questions; false while paused. */
  intervalMs: number | false;
  /** When the newest answer came. */
  heardAt: number;
  toggle: () => void;
  askNow: () => void;
}

const intervalMs = 5000;
/** Answers are missing for so long that what is shown may be wrong. */
const staleMs = 20_000;

const context = createContext<Live>({
  state: "live",
  intervalMs,
  heardAt: 0,
  toggle: () => undefined,
  askNow: () => undefined,
});

export function useLive(): Live {
  return useContext(context);
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [isPaused, setPaused] = useState(false);
  const [heardAt, setHeardAt] = useState(() => Date.now());
  const [isSilent, setSilent] = useState(false);

  useEffect(() => {
    let heard = Date.now();
    const ended = client.getQueryCache().subscribe((event) => {
      if (event.type !== "updated") return;
      if (event.action.type === "success") {
        heard = Date.now();
        setHeardAt((before) => (heard - before > 900 ? heard : before));
        setSilent(false);
      } else if (event.action.type === "error" || event.action.type === "failed") {
        const { error } = event.action as { error: unknown };
        if (error instanceof Failure && error.kind === "unreachable") setSilent(true);
      }
    });
    const timer = setInterval(() => {
      const isAsking = client.isFetching() > 0;
      if (isAsking && Date.now() - heard > staleMs) setSilent(true);
    }, 2000);
    return () => {
      ended();
      clearInterval(timer);
    };
  }, [client]);

  const toggle = useCallback(() => setPaused((paused) => !paused), []);
  const askNow = useCallback(() => void client.invalidateQueries(), [client]);
  const live = useMemo<Live>(
    () => ({
      state: isPaused ? "paused" : isSilent ? "stale" : "live",
      intervalMs: isPaused ? false : intervalMs,
      heardAt,
      toggle,
      askNow,
    }),
    [isPaused, isSilent, heardAt, toggle, askNow],
  );
  return <context.Provider value={live}>{children}</context.Provider>;
}
