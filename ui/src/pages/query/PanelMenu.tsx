// What else can be done with a panel: copies of it in other forms, its answer as a file, snippets.
import { lazy, Suspense, useState } from "react";
import { urlOf } from "../../api/client";
import { save, toCsv } from "../../kit/exports";
import { Menu, type MenuEntry } from "../../kit/Menu";
import { change, useSettings } from "../../kit/settings";
import { serverNow } from "../../kit/Time";
import { text } from "../../text";
import type { Panel } from "../../url/panels";
import type { Ran } from "./ask";
import { commandOf, curlOf } from "./commands";
import { exportColumns, exportRows } from "./TableView";

const words = text.explore;
const MakeRule = lazy(() => import("./MakeRule"));
const snippetsMax = 20;

interface PanelMenuProps {
  panel: Panel;
  /** What stands in the editor, run or not. */
  typed: string;
  ran: Ran | undefined;
  onChange: (changes: Partial<Panel>) => void;
  onFormat: () => void;
  onDuplicate: () => void;
  onRemove: (() => void) | undefined;
}

export function PanelMenu({ panel, typed, ran, onChange, onFormat, onDuplicate, onRemove }: PanelMenuProps) {
  const [makesRule, setMakesRule] = useState(false);
  const server = () => `${location.origin}${urlOf("")}`;
  const now = serverNow();
  const shown: MenuEntry[] = [
    { title: words.tree, isChecked: panel.showsTree, run: () => onChange({ showsTree: !panel.showsTree }) },
    { title: words.legendShown, isChecked: panel.hasLegend, run: () => onChange({ hasLegend: !panel.hasLegend }) },
  ];
  const entries: MenuEntry[] = [
    { title: words.format, run: onFormat },
    { title: words.duplicate, run: onDuplicate },
    { title: words.makeRule, run: () => setMakesRule(true) },
    { title: words.share, copies: () => location.href },
    { title: words.curl, copies: () => curlOf(panel, server(), now) },
    { title: words.cli, copies: () => commandOf(panel, server(), now) },
  ];
  if (ran) {
    const rows = () => exportRows(ran.data);
    entries.push(
      { title: text.table.csv, run: () => save("query.csv", "text/csv", toCsv(exportColumns, rows())) },
      { title: text.table.json, run: () => save("query.json", "application/json", JSON.stringify(ran.data, null, 2)) },
    );
  }
  if (onRemove) entries.push({ title: words.removePanel, run: onRemove });
  return (
    <>
      <Menu
        label={words.more}
        size={36}
        parts={[{ entries: shown }, { entries }, ...useSnippets(typed, (expression) => onChange({ expression }))]}
      />
      {makesRule && (
        <Suspense>
          <MakeRule expression={typed} onClose={() => setMakesRule(false)} />
        </Suspense>
      )}
    </>
  );
}

/** Expressions that are kept in this browser, to come back to. */
function useSnippets(typed: string, onTake: (expression: string) => void) {
  const { snippets } = useSettings();
  const own = typed.trim();
  const isKept = snippets.includes(own);
  const others = snippets.filter((one) => one !== own);
  const toggle: MenuEntry = {
    title: isKept ? words.snippets.forget : words.snippets.keep,
    run: () => change({ snippets: isKept ? others : [own, ...others].slice(0, snippetsMax) }),
  };
  const entries = [
    ...(own === "" ? [] : [toggle]),
    ...others.map((one): MenuEntry => ({ title: one, isCode: true, run: () => onTake(one) })),
  ];
  return entries.length === 0 ? [] : [{ title: words.snippets.title, entries }];
}
