// The event stream, opened once for all that is shown. It says when it hears nothing: a proxy may hold it back.
import { urlOf } from "../api/client";

export interface StreamEvents {
  /** Something changed; no topics: anything may have. */
  onChanged: (topics: readonly string[] | null) => void;
  /** Whether events come through. */
  onState: (isOpen: boolean) => void;
}

/** Signs of life come every 10 seconds. */
const silenceMs = 25_000;
/** After it was refused, or held back. */
const againMs = 60_000;

/** Returns what closes it. `lastId` outlives it, so that the next one hears what was missed between. */
export function listen(topics: string, lastId: { current: string }, events: StreamEvents): () => void {
  let source: EventSource | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  const close = () => {
    clearTimeout(silence);
    clearTimeout(again);
    source?.close();
    source = undefined;
  };
  const giveUp = () => {
    close();
    events.onState(false);
    again = setTimeout(connect, againMs);
  };
  const heard = (event?: MessageEvent) => {
    if (event?.lastEventId) lastId.current = event.lastEventId;
    events.onState(true);
    clearTimeout(silence);
    silence = setTimeout(giveUp, silenceMs);
  };
  function connect() {
    source = new EventSource(urlOf("/api/keepwatch/v1/events", { topics, after: lastId.current }));
    silence = setTimeout(giveUp, silenceMs);
    source.addEventListener("alive", () => heard());
    source.addEventListener("reset", (event) => {
      heard(event);
      events.onChanged(null);
    });
    source.addEventListener("changed", (event) => {
      heard(event);
      const topics = read(event.data);
      if (topics === null || topics.length > 0) events.onChanged(topics);
    });
    source.onerror = () => {
      // The browser connects again by itself, unless the answer was no stream.
      events.onState(false);
      if (source?.readyState === EventSource.CLOSED) giveUp();
    };
  }
  connect();
  return close;
}

/** Null for what cannot be read: then anything may have changed. */
function read(data: unknown): string[] | null {
  try {
    const { topics } = JSON.parse(String(data)) as { topics?: unknown };
    return Array.isArray(topics) ? topics.filter((one) => typeof one === "string") : null;
  } catch {
    return null;
  }
}
