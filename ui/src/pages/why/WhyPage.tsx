// Why not scraped: from an object or an address to stored samples, check by check.
import { useCallback, useEffect } from "react";
import { Failure } from "../../api/client";
import { useGet } from "../../api/hooks";
import type { Hop, Why, WhyCase } from "../../api/types.gen";
import { FilterBox } from "../../kit/FilterBox";
import { Labels } from "../../kit/Labels";
import { Page } from "../../kit/Page";
import { StepList } from "../../kit/RelabelSteps";
import { State } from "../../kit/State";
import { Empty, Failed, Loading } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";

const words = text.collect.whyPage;

export default function WhyPage() {
  const state = usePageState();
  const { set } = state;
  const target = state.get("target") || state.get("object");
  // Links name an object or a target; to the filter both are text.
  useEffect(() => {
    if (target !== "") set({ target: null, object: null, q: JSON.stringify(target) });
  }, [target, set]);
  const q = state.get("q");
  const why = useGet("/api/keepwatch/v1/why", { q }, { enabled: q !== "", live: true });
  const isRefused = why.error instanceof Failure && why.error.about.status === 400;
  return (
    <Page title={text.shell.pages.why}>
      <FilterBox
        value={q}
        onChange={useCallback((next: string) => set({ q: next }), [set])}
        placeholder={words.placeholder}
        problem={isRefused ? why.error?.message : undefined}
      />
      {q === "" && <Empty title={words.start}>{words.startWhy}</Empty>}
      {why.error !== null && !isRefused && <Failed error={why.error} onRetry={() => void why.refetch()} />}
      {q !== "" && why.isPending && <Loading />}
      {q !== "" && why.data && <Found why={why.data.data} />}
    </Page>
  );
}

function Found({ why }: { why: Why }) {
  if (why.cases.length === 0 && why.reasons.length === 0) {
    return (
      <Empty title={words.nothing}>
        {words.nothingWhy} {why.pools.join(", ") || text.none}
      </Empty>
    );
  }
  return (
    <div className="stack" style={{ marginTop: 12 }}>
      {why.cases.length > 0 && (
        <p className="dim" aria-live="polite">
          {words.found(why.cases.length, why.casesTotal)}
        </p>
      )}
      {why.cases.map((one, index) => (
        <Case key={`${one.kind} ${one.pool ?? ""} ${one.subject} ${index}`} of={one} />
      ))}
      {why.reasons.length > 0 && <Reasons of={why.reasons} />}
    </div>
  );
}

function Case({ of: one }: { of: WhyCase }) {
  return (
    <article className="card">
      <h2 className="wrap">
        <span className="dim">{words.kinds[one.kind] ?? one.kind}</span> {one.subject}
        {one.pool && <span className="dim"> · {one.pool}</span>}
      </h2>
      <ol className="hops">
        {one.hops.map((hop, index) => (
          <HopLine key={index} hop={hop} />
        ))}
      </ol>
      {Object.keys(one.labels).length > 0 && (
        <details>
          <summary>{words.labels}</summary>
          <Labels labels={one.labels} />
        </details>
      )}
      {one.relabelling.length > 0 && (
        <details open={!one.good && one.relabelling.some((step) => !step.kept)}>
          <summary>{text.collect.relabelling}</summary>
          <StepList steps={one.relabelling} discovered={one.labels} />
        </details>
      )}
    </article>
  );
}

function HopLine({ hop }: { hop: Hop }) {
  return (
    <li>
      <State of={hop.outcome} />
      <span className="step">{words.steps[hop.step] ?? hop.step}</span>
      <span className="wrap grow">
        {hop.message}
        {hop.code && <code className="dim"> {hop.code}</code>}
        {hop.hint && <span className="hint"> → {hop.hint}</span>}
      </span>
    </li>
  );
}

function Reasons({ of: reasons }: { of: Why["reasons"] }) {
  return (
    <section>
      <h2>{words.reasons}</h2>
      <ul className="plain-list">
        {reasons.map((reason, index) => (
          <li key={index} className="card">
            <p className="small dim">
              <code>{reason.code}</code> · <Ago at={reason.time_ms} />
            </p>
            <p className="wrap">
              <b>{reason.subject}</b>: {reason.message}
            </p>
            {reason.hint && <p className="hint">→ {reason.hint}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
