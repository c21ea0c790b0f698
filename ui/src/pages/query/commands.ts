// A panel as commands: what its answer would be asked with elsewhere, and what a rule of it would be.
import { formatDuration } from "../../kit/duration";
import { shellWord } from "../../kit/silence/commands";
import { type Panel, stepOf } from "../../url/panels";

/** Times that a command names, in seconds; null where it may as well ask for now. */
interface Times {
  from: number;
  to: number;
  step: number;
}

function timesOf(panel: Panel, nowMs: number): Times {
  const to = (panel.endMs ?? nowMs) / 1000;
  return { from: to - panel.rangeMs / 1000, to, step: stepOf(panel) };
}

const seconds = (time: number) => String(Math.round(time * 1000) / 1000);

/** `server` is the address of the API's root. The expression goes as a form: it may be long, and hold anything. */
export function curlOf(panel: Panel, server: string, nowMs: number): string {
  const { from, to, step } = timesOf(panel, nowMs);
  const isRange = panel.tab === "graph";
  const params: Array<[string, string]> = [["query", panel.expression]];
  if (isRange) params.push(["start", seconds(from)], ["end", seconds(to)], ["step", String(step)]);
  else if (panel.endMs !== null) params.push(["time", seconds(to)]);
  const url = `${server}/api/v1/${isRange ? "query_range" : "query"}`;
  return [
    "curl",
    shellWord(url),
    ...params.map(([name, value]) => `--data-urlencode ${shellWord(`${name}=${value}`)}`),
  ].join(" ");
}

export function commandOf(panel: Panel, server: string, nowMs: number): string {
  const { from, to, step } = timesOf(panel, nowMs);
  const isRange = panel.tab === "graph";
  const kind = panel.tab === "explain" || panel.tab === "cost" ? "explain" : isRange ? "range" : "instant";
  const words = ["keepwatch", "query", kind, "--url", shellWord(server)];
  if (isRange) words.push("--start", seconds(from), "--end", seconds(to), "--step", `${Math.round(step * 1000)}ms`);
  else if (panel.endMs !== null) words.push("--time", seconds(to));
  // After the flags: an expression may begin with a minus.
  return [...words, "--", shellWord(panel.expression)].join(" ");
}

export interface Draft {
  kind: "alert" | "record";
  name: string;
  expression: string;
  holdMs: number;
}

/** A rule file with this one rule. Names and expressions are quoted in such a way that nothing ends them early. */
export function ruleFile({ kind, name, expression, holdMs }: Draft): string {
  // JSON's strings are strings of YAML, too.
  const lines = expression.trim().split(/\r?\n/);
  const isBlock = lines.every((line) => /^[\x20-\x7e]*$/.test(line) && !/^\s/.test(line));
  const written = isBlock
    ? `|-\n${lines.map((line) => `      ${line}`).join("\n")}`
    : JSON.stringify(expression.trim());
  const rest =
    kind === "alert"
      ? `${holdMs > 0 ? `    for: ${formatDuration(holdMs)}\n` : ""}    labels:\n      severity: warning\n    annotations:\n      summary: ${JSON.stringify(`${name}: {{ $value }}`)}\n`
      : "";
  return `groups:\n- name: ${JSON.stringify(name)}\n  rules:\n  - ${kind}: ${JSON.stringify(name)}\n    expr: ${written}\n${rest}`;
}
