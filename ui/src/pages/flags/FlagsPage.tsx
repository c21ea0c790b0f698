// Flags of the process.
import { useCallback, useMemo } from "react";
import { useGet } from "../../api/hooks";
import { type Column, DataTable } from "../../kit/DataTable";
import { FilterBox } from "../../kit/FilterBox";
import { Page } from "../../kit/Page";
import { NoMatch, Shown } from "../../kit/states";
import { splitTerms } from "../../kit/terms";
import { text } from "../../text";
import { usePageState } from "../../url/state";

const words = text.server.flags;
type Flag = readonly [string, string];

const columns: ReadonlyArray<Column<Flag>> = [
  { key: "name", title: words.name, width: "45%", render: ([name]) => <code className="wrap">--{name}</code> },
  { key: "value", title: words.value, render: ([, value]) => <code className="wrap">{value}</code> },
];

export default function FlagsPage() {
  const state = usePageState();
  const { set } = state;
  const q = state.get("q") || state.get("search");
  const flags = useGet("/api/v1/status/flags", { all: "true" });
  const all = flags.data?.data;
  const rows = useMemo(() => {
    const terms = splitTerms(q.toLowerCase());
    const entries: Flag[] = Object.entries(all ?? {});
    return entries.filter(([name, value]) => terms.every((term) => `${name} ${value}`.toLowerCase().includes(term)));
  }, [all, q]);
  const onFilter = useCallback((next: string) => set({ q: next, search: null }), [set]);
  return (
    <Page title={text.shell.pages.flags}>
      <FilterBox value={q} onChange={onFilter} placeholder={words.placeholder} />
      <div style={{ marginTop: 8 }}>
        <Shown of={flags}>
          {() =>
            rows.length === 0 ? (
              <NoMatch filter={q} onClear={() => onFilter("")} />
            ) : (
              <DataTable caption={text.shell.pages.flags} columns={columns} rows={rows} keyOf={([name]) => name} />
            )
          }
        </Shown>
      </div>
    </Page>
  );
}
