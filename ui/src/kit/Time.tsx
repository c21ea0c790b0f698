// Times: how long ago, with the moment in both zones behind it.
import { useEffect, useState } from "react";
import { text } from "../text";
import { shortDuration } from "./duration";
import { formatInstant, parseInstant } from "./format";
import { useSettings } from "./settings";

/** How far this clock is ahead of the server's. */
let skewMs = 0;

export function setSkew(ms: number): void {
  skewMs = ms;
}

/** The server's time. */
export function serverNow(): number {
  return Date.now() - skewMs;
}

/** A time that ticks once a second. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

interface TimeProps {
  /** RFC 3339, or milliseconds. */
  at: string | number | null | undefined;
}

function useMoment(at: TimeProps["at"]): { ms: number | null; title: string } {
  const { zone } = useSettings();
  const ms = typeof at === "number" ? at : parseInstant(at);
  if (ms === null) return { ms, title: "" };
  const other = zone === "utc" ? "local" : "utc";
  return { ms, title: `${formatInstant(ms, zone)} · ${formatInstant(ms, other)}` };
}

/** `3 m ago`, or `in 20 s`. */
export function Ago({ at }: TimeProps) {
  const now = useNow();
  const { ms, title } = useMoment(at);
  if (ms === null) return <span className="dim">{text.time.never}</span>;
  const passed = now - ms;
  const words =
    passed < -1500
      ? text.time.in(shortDuration(-passed))
      : passed < 1500
        ? text.time.now
        : text.time.ago(shortDuration(passed));
  return (
    <time dateTime={new Date(ms).toISOString()} title={title}>
      {words}
    </time>
  );
}

export function Instant({ at }: TimeProps) {
  const { zone } = useSettings();
  const { ms, title } = useMoment(at);
  if (ms === null) return <span className="dim">{text.time.never}</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={title}>
      {formatInstant(ms, zone)}
    </time>
  );
}
