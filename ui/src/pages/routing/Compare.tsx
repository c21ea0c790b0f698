// Compare: which alerts another configuration would treat differently. The one in use is the start; what is asked
// besides it stands in the address.
import { type ChangeEvent, useEffect, useRef, useState } from "react";
import { isFailure, post } from "../../api/client";
import { useGet, useHas } from "../../api/hooks";
import type { RouteComparison } from "../../api/types.gen";
import { ConfigText } from "../../kit/ConfigText";
import { formatBytes } from "../../kit/format";
import { Button, TextInput } from "../../kit/mantine";
import { Select } from "../../kit/Select";
import { serverUrl } from "../../kit/silence/actions";
import { shellLine } from "../../kit/silence/commands";
import { Failed, Shown } from "../../kit/states";
import { text } from "../../text";
import { usePageState } from "../../url/state";
import { Comparison } from "./Comparison";
import { problemsOf } from "./problems";

const words = text.alerts.compare;
const routing = text.alerts.routing;
/** The server takes no longer one. */
const configMax = 4 * 1024 * 1024;
const limits = ["100", "1000"] as const;

/** What was written stays until the page is loaded anew. It may hold secrets, so it is kept nowhere else. */
let written: { config: string; name: string } | null = null;

export function Compare() {
  const status = useGet("/api/v2/status", {});
  return <Shown of={status}>{({ data }) => <Form inUse={data.config.original} />}</Shown>;
}

interface Question {
  config: string;
  since: string;
  at: string;
  limit: string;
}

type Outcome = { question: Question } & ({ answer: RouteComparison } | { error: unknown });

function Form({ inUse }: { inUse: string }) {
  const state = usePageState();
  const hasJournal = useHas("/journal");
  const [config, setConfig] = useState(written?.config ?? inUse);
  const [name, setName] = useState(written?.name ?? "new.yml");
  const [at, setAt] = useState(state.get("at"));
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const asking = useRef<AbortController | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => () => asking.current?.abort(), []);

  const since = state.get("since");
  const limit = limits.find((one) => one === state.get("limit")) ?? limits[0];
  const write = (next: string, file = name) => {
    written = { config: next, name: file };
    setConfig(next);
    setName(file);
  };
  const ask = async (question: Question) => {
    asking.current?.abort();
    const turn = new AbortController();
    asking.current = turn;
    setBusy(true);
    setProblem(null);
    try {
      const { since, at } = question;
      const asked = { config: question.config, limit: Number(question.limit), since: since || null, at: at || null };
      const { data } = await post("/api/keepwatch/v1/route/compare", asked, turn.signal);
      setOutcome({ question, answer: data });
    } catch (error) {
      if (!turn.signal.aborted) setOutcome({ question, error });
    } finally {
      if (asking.current === turn) setBusy(false);
    }
  };
  const load = async (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.currentTarget.files?.[0];
    event.currentTarget.value = "";
    if (chosen === undefined) return;
    if (chosen.size > configMax) return setProblem(words.tooLong(formatBytes(configMax)));
    try {
      write(new TextDecoder("utf-8", { fatal: true }).decode(await chosen.arrayBuffer()), chosen.name);
      setProblem(null);
    } catch {
      setProblem(words.notRead(chosen.name));
    }
  };
  const isRefused = outcome !== null && "error" in outcome && isFailure(outcome.error, "refused");
  const isOfThis = outcome !== null && outcome.question.config === config;
  const problems = isRefused && isOfThis ? problemsOf((outcome.error as Error).message) : [];
  const sinces = [...new Set(["", ...Object.keys(words.sinceWords), since])];
  return (
    <div className="stack">
      <p className="dim">{words.about}</p>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          state.set({ at });
          void ask({ config, since, at, limit });
        }}
      >
        <ConfigText
          label={words.config}
          value={config}
          onChange={write}
          problems={problems}
          problemsTitle={words.problems}
          lineTitle={words.line}
        />
        {problem !== null && <p className="bad">{problem}</p>}
        <div className="row" style={{ alignItems: "flex-end" }}>
          <label className="file-choice">
            {words.load}
            <input
              type="file"
              accept=".yml,.yaml,.txt,application/yaml,text/*"
              onChange={(event) => void load(event)}
            />
          </label>
          <Button variant="default" onClick={() => write(inUse, "new.yml")} disabled={config === inUse}>
            {words.current}
          </Button>
          {hasJournal && (
            <Select
              showsLabel
              label={words.since}
              options={sinces.map((value) => ({ value, label: words.sinceWords[value] ?? words.sinceOther(value) }))}
              value={since}
              onChange={(next) => state.set({ since: next })}
            />
          )}
          <TextInput
            label={routing.at}
            placeholder={routing.atHint}
            value={at}
            maxLength={100}
            onChange={(event) => setAt(event.currentTarget.value)}
          />
          <Select
            showsLabel
            label={words.limit}
            options={limits.map((value) => ({ value, label: value }))}
            value={limit}
            onChange={(next) => state.set({ limit: next === limits[0] ? null : next })}
          />
          <Button type="submit" loading={isBusy}>
            {words.run}
          </Button>
        </div>
      </form>
      <div>
        <h2 className="small">{text.command}</h2>
        <pre>{compareCommand(serverUrl(), { name, since, at, limit })}</pre>
      </div>
      {outcome !== null && !isOfThis && <p className="warn">{words.stale}</p>}
      {outcome !== null && "error" in outcome && !isRefused && <Failed error={outcome.error} />}
      {outcome !== null && "answer" in outcome && (
        <Comparison
          answer={outcome.answer}
          limitMax={limit === limits[1] ? null : limits[1]}
          onMore={(next) => {
            state.set({ limit: next });
            void ask({ ...outcome.question, limit: next });
          }}
        />
      )}
    </div>
  );
}

/** Times before now are written with a sign there, so that `1h` is no time of day. */
export function compareCommand(url: string, asked: { name: string; since: string; at: string; limit: string }): string {
  const { name, since, at, limit } = asked;
  const isLength = /^(\d+(ms|[smhdwy]))+$/.test(since);
  return shellLine([
    "keepwatch",
    "route",
    "compare",
    `--url=${url}`,
    ...(since === "" ? [] : [`--since=${isLength ? "-" : ""}${since}`]),
    ...(at === "" ? [] : [`--at=${at}`]),
    ...(limit === limits[0] ? [] : [`--limit=${limit}`]),
    ...(name.startsWith("-") ? ["--"] : []),
    name,
  ]);
}
