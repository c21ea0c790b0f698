// Configuration: what runs, beside what the files would make now; problems; reload.
import { lazy, Suspense } from "react";
import { useBoot, useGet } from "../../api/hooks";
import type { ConfigComparison, Problem } from "../../api/types.gen";
import { Diff } from "../../kit/Diff";
import { SegmentedControl, Tabs } from "../../kit/mantine";
import { Page } from "../../kit/Page";
import { State } from "../../kit/State";
import { Loading, Shown } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";
import { Reload } from "./Reload";

const words = text.server.config;
const Yaml = lazy(() => import("../../kit/Yaml"));

type Part = "prometheus" | "alertmanager";

export default function ConfigPage() {
  const state = usePageState();
  const comparison = useGet("/api/keepwatch/v1/config", {});
  const may = useBoot().data?.me.may ?? [];
  const part: Part = state.get("part") === "alertmanager" ? "alertmanager" : "prometheus";
  return (
    <Page
      title={text.shell.pages.config}
      actions={
        <>
          <SegmentedControl
            aria-label={text.shell.pages.config}
            data={[
              { value: "prometheus", label: words.prometheus },
              { value: "alertmanager", label: words.alertmanager },
            ]}
            value={part}
            onChange={(next) => state.set({ part: next === "prometheus" ? null : next })}
          />
          {may.includes("reload") && comparison.data && (
            <Reload comparison={comparison.data.data} onDone={() => void comparison.refetch()} />
          )}
        </>
      }
    >
      <Shown of={comparison}>
        {({ data }) => (
          <Views
            comparison={data}
            part={part}
            view={state.get("view") || "running"}
            onView={(view) => state.set({ view: view === "running" ? null : view })}
          />
        )}
      </Shown>
    </Page>
  );
}

interface ViewsProps {
  comparison: ConfigComparison;
  part: Part;
  view: string;
  onView: (view: string) => void;
}

function Views({ comparison, part, view, onView }: ViewsProps) {
  const { running, files } = comparison[part];
  return (
    <>
      <p className="dim small">
        {words.loaded} <Ago at={comparison.loadedAt} />
        {!comparison.isLastReloadOk && <span className="bad"> · {text.server.overview.refused}</span>}
      </p>
      <Tabs value={view} onChange={(next) => onView(next ?? "running")} keepMounted={false}>
        <Tabs.List mb={8}>
          <Tabs.Tab value="running">{words.running}</Tabs.Tab>
          <Tabs.Tab value="diff">{words.diff}</Tabs.Tab>
          <Tabs.Tab value="problems">{words.problems(comparison.problems.length)}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="running">
          <Suspense fallback={<Loading />}>
            <Yaml text={running} label={words.running} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="diff">
          {typeof files !== "string" ? (
            <p className="bad">{words.refused}</p>
          ) : files === running ? (
            <p>{words.same}</p>
          ) : (
            <Diff before={running} after={files} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="problems">
          {comparison.failure && <pre className="bad">{comparison.failure}</pre>}
          {comparison.problems.length === 0 && !comparison.failure && <p>{words.noProblems}</p>}
          <ul className="plain-list">
            {comparison.problems.map((problem, index) => (
              <ProblemCard key={index} problem={problem} />
            ))}
          </ul>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function ProblemCard({ problem }: { problem: Problem }) {
  return (
    <li className="card">
      <p className="wrap">
        <State of={problem.severity} /> {problem.message} <code className="dim">{problem.code}</code>
      </p>
      {problem.places.map((place, index) => (
        <div key={index}>
          <p className="small dim mono wrap">
            {place.file}:{place.line}:{place.column} {place.remark}
          </p>
          {place.text !== "" && <pre>{place.text.slice(0, 2000)}</pre>}
        </div>
      ))}
      {problem.hints.map((hint) => (
        <p key={hint} className="hint">
          → {hint}
        </p>
      ))}
    </li>
  );
}
