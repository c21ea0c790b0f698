// One panel: the editor, what the server notes, and the answer as a graph or a table.
import { lazy, Suspense, useState } from "react";
import { Failure, get } from "../../api/client";
import { useGet } from "../../api/hooks";
import { Announcer } from "../../kit/Announcer";
import { formatCount } from "../../kit/format";
import { Icon } from "../../kit/Icon";
import { Button, Tabs } from "../../kit/mantine";
import { Failed, Loading } from "../../kit/states";
import { remember } from "../../promql/history";
import { fixed, foundIn } from "../../promql/problems";
import { text } from "../../text";
import type { Panel, Tab } from "../../url/panels";
import { type Ran, useAnswer } from "./ask";
import { ExplainView } from "./ExplainView";
import { GraphOptions, GraphView } from "./GraphView";
import { PanelMenu } from "./PanelMenu";
import { RangeBar, type RangeChange, TimeField } from "./RangeBar";
import { TableView } from "./TableView";

const words = text.explore;
const fixesMax = 5;
const EmptyResult = lazy(() => import("./EmptyResult"));
const Editor = lazy(() => import("../../promql/Editor"));

interface PanelViewProps {
  panel: Panel;
  number: number;
  isLinked: boolean;
  onChange: (changes: Partial<Panel>) => void;
  onRange: (changes: RangeChange) => void;
  onDuplicate: () => void;
  onRemove: (() => void) | undefined;
}

export function PanelView({ panel, number, isLinked, onChange, onRange, onDuplicate, onRemove }: PanelViewProps) {
  const [typed, setTyped] = useState(panel.expression);
  const [seen, setSeen] = useState(panel.expression);
  if (seen !== panel.expression) {
    // The address changed under the editor.
    setSeen(panel.expression);
    setTyped(panel.expression);
  }
  const answer = useAnswer(panel);
  const run = (expression: string) => {
    remember(expression.trim());
    if (expression === panel.expression) void answer.refetch();
    else onChange({ expression, hidden: [] });
  };
  const format = async (expression: string) => {
    const formatted = await get("/api/v1/format_query", { query: expression }).catch(() => null);
    if (formatted) setTyped(formatted.data);
  };
  return (
    <section className="card" aria-label={`${words.expression} ${number + 1}`}>
      <div className="row" style={{ alignItems: "flex-start", flexWrap: "nowrap" }}>
        <Suspense fallback={<pre className="editor grow">{typed}</pre>}>
          <Editor
            value={typed}
            label={`${words.expression} ${number + 1}`}
            onChange={setTyped}
            onRun={run}
            onFormat={(expression) => void format(expression)}
          />
        </Suspense>
        <Button onClick={() => run(typed)} loading={answer.isFetching && answer.isPlaceholderData}>
          {words.run}
        </Button>
        <PanelMenu
          panel={panel}
          typed={typed}
          ran={answer.data}
          onChange={onChange}
          onFormat={() => void format(typed)}
          onDuplicate={onDuplicate}
          onRemove={onRemove}
        />
      </div>
      {panel.expression.trim() !== "" && answer.error && (panel.tab === "graph" || panel.tab === "table") && (
        <Failed error={answer.error} onRetry={() => void answer.refetch()}>
          {answer.error instanceof Failure && answer.error.about.status === 400 && (
            <Fixes expression={panel.expression} onFix={(expression) => onChange({ expression })} />
          )}
        </Failed>
      )}
      {panel.showsTree && panel.expression.trim() !== "" && panel.tab !== "explain" && (
        <section className="tree-above" aria-label={words.tree}>
          <ExplainView panel={panel} view="explain" onRun={(expression) => onChange({ expression, tab: "table" })} />
        </section>
      )}
      <Tabs value={panel.tab} onChange={(tab) => onChange({ tab: tab as Tab })} mt={8} keepMounted={false}>
        <div className="row apart">
          <Tabs.List>
            <Tabs.Tab value="graph">{words.tabs.graph}</Tabs.Tab>
            <Tabs.Tab value="table">{words.tabs.table}</Tabs.Tab>
            <Tabs.Tab value="explain">{words.tabs.explain}</Tabs.Tab>
            <Tabs.Tab value="cost">{words.tabs.cost}</Tabs.Tab>
          </Tabs.List>
          <div className="row">
            {!isLinked && panel.tab === "graph" && (
              <>
                <span className="small dim">{words.unlinked}</span>
                <RangeBar panel={panel} onChange={onRange} />
              </>
            )}
            {panel.tab === "graph" ? (
              <GraphOptions panel={panel} ran={answer.data} onChange={onChange} />
            ) : (
              panel.tab === "table" && (
                <TimeField label={words.moment} at={panel.endMs} onChange={(endMs) => onRange({ endMs })} />
              )
            )}
          </div>
        </div>
        <Tabs.Panel value={panel.tab} pt={8}>
          {panel.expression.trim() === "" ? (
            <p className="dim">{words.type}</p>
          ) : panel.tab === "explain" || panel.tab === "cost" ? (
            <ExplainView
              panel={panel}
              view={panel.tab}
              onRun={(expression) => onChange({ expression, tab: "table" })}
            />
          ) : answer.data ? (
            <Result ran={answer.data} panel={panel} onChange={onChange} onRange={onRange} />
          ) : (
            answer.error === null && <Loading lines={6} />
          )}
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}

/** What the server proposes for an expression that it refused. */
function Fixes({ expression, onFix }: { expression: string; onFix: (expression: string) => void }) {
  const checked = useGet("/api/keepwatch/v1/query/check", { query: expression }).data?.data;
  return foundIn(expression, checked?.problems ?? [])
    .slice(0, fixesMax)
    .flatMap((found, index) =>
      found.hint === null ? (
        []
      ) : (
        <p key={index} className="row">
          <span className="hint wrap">→ {found.hint}</span>
          {found.instead !== null && (
            <Button size="compact-sm" variant="default" onClick={() => onFix(fixed(expression, found))}>
              {words.fix(found.instead)}
            </Button>
          )}
        </p>
      ),
    );
}

interface ResultProps {
  ran: Ran;
  panel: Panel;
  onChange: (changes: Partial<Panel>) => void;
  onRange: (changes: RangeChange) => void;
}

function sizeOf(ran: Ran): number {
  const { data } = ran;
  return data.resultType === "vector" || data.resultType === "matrix" ? data.result.length : 1;
}

function Result({ ran, panel, onChange, onRange }: ResultProps) {
  const took = `${Math.round(ran.tookMs)} ms`;
  const size = formatCount(sizeOf(ran));
  const samples = ran.data.stats?.samples.totalQueryableSamples;
  const stats = panel.tab === "graph" ? words.stats(took, size, `${ran.step} s`) : words.statsTable(took, size);
  return (
    <>
      {[...ran.warnings, ...ran.infos].map((note) => (
        <p key={note} className="small note wrap">
          <Icon name="warn" size={13} /> {note}
        </p>
      ))}
      <Announcer counts={panel.tab === "graph" ? words.toldGraph(size) : words.toldTable(size)} />
      <p className="small dim">
        {stats}
        {samples !== undefined && ` · ${words.samples(formatCount(samples))}`}
      </p>
      {sizeOf(ran) === 0 ? (
        <Suspense>
          <EmptyResult expression={panel.expression} atSeconds={ran.to} />
        </Suspense>
      ) : panel.tab === "graph" ? (
        <GraphView ran={ran} panel={panel} onChange={onChange} onRange={onRange} />
      ) : (
        <TableView data={ran.data} />
      )}
    </>
  );
}
