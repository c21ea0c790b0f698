// One panel: the editor, what the server notes, and the answer as a graph or a table.
import { lazy, Suspense, useState } from "react";
import { get, urlOf } from "../../api/client";
import { Announcer } from "../../kit/Announcer";
import { copyText } from "../../kit/Copy";
import { formatCount } from "../../kit/format";
import { Icon } from "../../kit/Icon";
import { Menu } from "../../kit/Menu";
import { Button, Tabs } from "../../kit/mantine";
import { Failed, Loading } from "../../kit/states";
import { remember } from "../../promql/history";
import { findMistake } from "../../promql/mistake";
import { text } from "../../text";
import type { Panel, Tab } from "../../url/panels";
import { type Ran, useAnswer } from "./ask";
import { EmptyResult } from "./EmptyResult";
import { ExplainView } from "./ExplainView";
import { GraphOptions, GraphView } from "./GraphView";
import { RangeBar, type RangeChange } from "./RangeBar";
import { TableOptions, TableView } from "./TableView";

const words = text.explore;
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
  const mistake =
    answer.error && typed === panel.expression ? findMistake(answer.error.message, panel.expression) : null;
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
            mistake={mistake}
          />
        </Suspense>
        <Button onClick={() => run(typed)} loading={answer.isFetching && answer.isPlaceholderData}>
          {words.run}
        </Button>
        <PanelMenu panel={panel} onFormat={() => void format(typed)} onDuplicate={onDuplicate} onRemove={onRemove} />
      </div>
      {panel.expression.trim() !== "" && answer.error && (panel.tab === "graph" || panel.tab === "table") && (
        <Failed error={answer.error} onRetry={() => void answer.refetch()} />
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
              panel.tab === "table" && <TableOptions panel={panel} onChange={onChange} />
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
        <EmptyResult expression={panel.expression} />
      ) : panel.tab === "graph" ? (
        <GraphView ran={ran} panel={panel} onChange={onChange} onRange={onRange} />
      ) : (
        <TableView data={ran.data} />
      )}
    </>
  );
}

interface PanelMenuProps {
  panel: Panel;
  onFormat: () => void;
  onDuplicate: () => void;
  onRemove: (() => void) | undefined;
}

function PanelMenu({ panel, onFormat, onDuplicate, onRemove }: PanelMenuProps) {
  const url = () =>
    new URL(urlOf("/api/v1/query", { query: panel.expression }), location.href).href.replace(/'/g, "%27");
  const entries = [
    { title: words.format, run: onFormat },
    { title: words.duplicate, run: onDuplicate },
    { title: words.share, run: () => void copyText(location.href) },
    { title: words.curl, run: () => void copyText(`curl '${url()}'`) },
    ...(onRemove ? [{ title: words.removePanel, run: onRemove }] : []),
  ];
  return <Menu label={words.more} size={36} parts={[{ entries }]} />;
}
