// A state as icon and word. The table is the only place that knows how bad a word is.
import { text } from "../text";
import { Icon, type IconName } from "./Icon";

type Tone = "ok" | "warn" | "bad" | "quiet" | "info";

const looks: Record<string, readonly [Tone, IconName]> = {
  firing: ["bad", "alert"],
  pending: ["warn", "wait"],
  inactive: ["quiet", "none"],
  silenced: ["quiet", "silence"],
  inhibited: ["quiet", "silence"],
  muted: ["quiet", "silence"],
  active: ["info", "silence"],
  expired: ["quiet", "none"],
  acknowledged: ["info", "ok"],
  up: ["ok", "ok"],
  down: ["bad", "bad"],
  unknown: ["quiet", "unknown"],
  ok: ["ok", "ok"],
  err: ["bad", "bad"],
  kept: ["ok", "ok"],
  dropped: ["quiet", "bad"],
  yes: ["ok", "ok"],
  no: ["bad", "bad"],
  "not-reached": ["quiet", "none"],
  error: ["bad", "bad"],
  warning: ["warn", "warn"],
  note: ["info", "why"],
  end: ["ok", "ok"],
  passed: ["info", "down"],
  differs: ["quiet", "bad"],
};

export function State({ of, count }: { of: string; count?: number }) {
  const [tone, icon] = looks[of] ?? ["quiet", "unknown"];
  return (
    <span className={`state ${tone}`}>
      <Icon name={icon} size={13} />
      {text.states[of] ?? of}
      {count !== undefined && ` ${count}`}
    </span>
  );
}
