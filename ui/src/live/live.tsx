// Whether what is shown is live, paused or stale. The event stream says what changed, and that is asked for at once;
// the rest, such as durations, at an interval, which is also all there is where the stream is blocked. A hidden tab
// neither listens nor asks.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Failure } from "../api/client";
import { listen } from "./stream";
import { topicsOf, topicsOfAll } from "./topics";

export type LiveState = "live" | "paused" | "stale";

interface Live {
  state: LiveState;
  /** Between two questions about what events tell of; false while paused. */
  intervalMs: number | false;
  /** Between two questions about figures that move by themselves. */
  figuresMs: number | false;
  /** Whether events come through. */
  isListening: boolean;
  /** When the newest answer came. */
  heardAt: number;
  toggle: () => void;
  askNow: () => void;
}

const intervalMs = 15_000;
const figuresMs = 5000;
/** Pages change more than once while they open; then their topics stand. */
const settleMs = 300;
/** Answers are missing for so long that what is shown may be wrong. */
const staleMs = 20_000;

const context = createContext<Live>({
  state: "live",
  intervalMs,
  figuresMs,
  isListening: false,
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

  const isListening = useStream(client, isPaused);
  const toggle = useCallback(() => setPaused((paused) => !paused), []);
  const askNow = useCallback(() => void client.invalidateQueries(), [client]);
  const live = useMemo<Live>(
    () => ({
      state: isPaused ? "paused" : isSilent ? "stale" : "live",
      intervalMs: isPaused ? false : intervalMs,
      figuresMs: isPaused ? false : figuresMs,
      isListening,
      heardAt,
      toggle,
      askNow,
    }),
    [isPaused, isSilent, isListening, heardAt, toggle, askNow],
  );
  return <context.Provider value={live}>{children}</context.Provider>;
}

/** The topics of all that is shown now. */
function useTopics(client: QueryClient): string {
  const [topics, setTopics] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      const shown = client.getQueryCache().findAll({ type: "active" });
      setTopics(topicsOfAll(shown.map((query) => query.queryKey[0])));
    };
    const ended = client.getQueryCache().subscribe((event) => {
      const isOfInterest = event.type === "observerAdded" || event.type === "observerRemoved";
      if (isOfInterest && timer === undefined) timer = setTimeout(look, settleMs);
    });
    look();
    return () => {
      ended();
      clearTimeout(timer);
    };
  }, [client]);
  return topics;
}

function useIsHidden(): boolean {
  const [isHidden, setHidden] = useState(document.hidden);
  useEffect(() => {
    const look = () => setHidden(document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return isHidden;
}

/** Asks anew for what the stream says has changed. Whether events come through. */
function useStream(client: QueryClient, isPaused: boolean): boolean {
  const topics = useTopics(client);
  const isHidden = useIsHidden();
  const [isOpen, setOpen] = useState(false);
  const lastId = useRef("");
  const isWanted = topics !== "" && !isPaused && !isHidden && typeof EventSource === "function";
  useEffect(() => {
    if (!isWanted) return;
    const close = listen(topics, lastId, {
      onState: setOpen,
      onChanged: (changed) => {
        const predicate = ({ queryKey: [path] }: { queryKey: readonly unknown[] }) =>
          topicsOf(path).some((topic) => changed === null || changed.includes(topic));
        // What was asked for before may be answered with what was before; so it is asked for again.
        void client.invalidateQueries({ predicate });
      },
    });
    return () => {
      close();
      setOpen(false);
    };
  }, [client, topics, isWanted]);
  return isOpen;
}
