// What all list pages share: filter, order, opened rows and columns in the address; more rows as one scrolls;
// the states; exports. A page gives its columns and what is special about it.
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { Failure, urlOf } from "../api/client";
import { type ListPath, type RowOf, useList } from "../api/hooks";
import { text } from "../text";
import { type PageState, usePageState } from "../url/state";
import { Announcer } from "./Announcer";
import { type Column, DataTable, type Group } from "./DataTable";
import { save, toCsv } from "./exports";
import { FacetBar } from "./FacetBar";
import { FilterBox } from "./FilterBox";
import { formatCount } from "./format";
import { Menu } from "./Menu";
import { Button } from "./mantine";
import { Page } from "./Page";
import { Failed, Loading, NoMatch } from "./states";
import { useSteady } from "./steady";
import { facetOf, joinTerms, withFacet } from "./terms";

/** Of a list whose end is not loaded nobody knows what is new. */
const noKeys: readonly string[] = [];

export interface ListPageProps<P extends ListPath> {
  path: P;
  title: string;
  /** Name of exported files. */
  name: string;
  columns: ReadonlyArray<Column<RowOf<P>>>;
  keyOf: (row: RowOf<P>) => string;
  nameOf: (row: RowOf<P>) => string;
  detail?: (row: RowOf<P>) => ReactNode;
  /** `facets` counts the whole list. */
  groupOf?: (row: RowOf<P>, facets: Record<string, Record<string, number>>) => Group | null;
  /** `@keys` with a parameter of their own in the address, with the values that always have a button. */
  facets: ReadonlyArray<{ key: string; title: string; values: readonly string[]; hasButtons: boolean }>;
  /** Sent along with every question. */
  extra?: Record<string, string>;
  defaultSort?: string;
  actions?: ReactNode;
  /** Between filter and table, with the counts of the list. */
  aside?: (facets: Record<string, Record<string, number>>) => ReactNode;
  /** Counts that screen readers are told besides that of the rows. */
  told?: (facets: Record<string, Record<string, number>>) => string[];
  /** What can be done with selected rows; with it, rows can be selected. `clear` ends the selection. */
  selectionBar?: (rows: Array<RowOf<P>>, clear: () => void) => ReactNode;
  /** Shown when there is nothing at all. */
  empty: ReactNode;
}

/** The filter that the server gets: what is typed, and the parameters that old links set. */
function filterOf(state: PageState, keys: readonly string[]): string {
  return keys.reduce((filter, key) => {
    const value = state.get(key);
    return value === "" ? filter : withFacet(filter, key, value.split(","));
  }, state.get("q"));
}

export function ListPage<P extends ListPath>(props: ListPageProps<P>) {
  const state = usePageState();
  const keys = useMemo(() => props.facets.map((facet) => facet.key), [props.facets]);
  const filter = filterOf(state, keys);
  const sort = state.get("sort") || (props.defaultSort ?? "");
  const list = useList(props.path, { ...props.extra, q: filter, sort });
  const newest = useMemo(() => (list.data?.pages ?? []).flatMap((page) => page.rows as Array<RowOf<P>>), [list.data]);
  const question = `${filter} ${sort} ${list.data?.pages.length} ${list.isPlaceholderData} ${JSON.stringify(props.extra)}`;
  const steady = useSteady(newest, props.keyOf, question);
  const { rows } = steady;
  const first = list.data?.pages[0];
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  // Rows that are gone are not selected any more.
  const chosen = selected.size === 0 ? [] : rows.filter((row) => selected.has(props.keyOf(row)));
  const clearSelection = () => setSelected(new Set());
  const hidden = state.get("hide").split(",");
  const columns = props.columns.filter((column) => !hidden.includes(column.key));
  const opened = useMemo(() => new Set(state.params.getAll("open")), [state.params]);
  const isRefused = list.error instanceof Failure && list.error.about.status === 400;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const { replaceAll, set, params } = state;
  const onOpen = useCallback(
    (key: string, isOpen: boolean) => {
      const next = new URLSearchParams(params);
      const others = next.getAll("open").filter((other) => other !== key);
      next.delete("open");
      for (const other of isOpen ? [...others, key] : others) next.append("open", other);
      replaceAll(next);
    },
    [params, replaceAll],
  );
  const folded = useMemo(() => new Set(params.getAll("folded")), [params]);
  const onFold = useCallback(
    (key: string, isFolded: boolean) => {
      const next = new URLSearchParams(params);
      const others = next.getAll("folded").filter((other) => other !== key);
      next.delete("folded");
      for (const other of isFolded ? [...others, key] : others) next.append("folded", other);
      replaceAll(next);
    },
    [params, replaceAll],
  );
  const { groupOf: groupWith } = props;
  const facetsNow = first?.facets;
  const groupOf = useMemo(
    () => (groupWith && facetsNow ? (row: RowOf<P>) => groupWith(row, facetsNow) : undefined),
    [groupWith, facetsNow],
  );
  // What the box shows is one text; parameters of old links become terms of it with the first change.
  const onFilter = useCallback(
    (q: string) => set({ ...Object.fromEntries(keys.map((key) => [key, null])), q }),
    [set, keys],
  );
  const clear = () => onFilter("");
  const counts = first ? text.table.counts(formatCount(first.matched), formatCount(first.total)) : "";
  const actions = (
    <>
      {props.actions}
      <TableMenu {...props} rows={rows} filter={filter} sort={sort} hidden={hidden} state={state} />
    </>
  );
  return (
    <Page title={props.title} actions={actions}>
      <div className="row" style={{ alignItems: "flex-start", marginBottom: 8 }}>
        <FilterBox
          value={filter}
          onChange={onFilter}
          facets={first?.facets}
          placeholder={text.filter.placeholder}
          problem={isRefused && list.error instanceof Error ? list.error.message : undefined}
        />
        {props.facets
          .filter((facet) => facet.hasButtons)
          .map((facet) => (
            <FacetBar
              key={facet.key}
              name={facet.title}
              values={facet.values}
              facets={first?.facets}
              facet={facet.key}
              total={first?.total}
              chosen={facetOf(filter, facet.key)}
              onChoose={(values) => onFilter(withFacet(filter, facet.key, values))}
            />
          ))}
      </div>
      {first && props.aside?.(first.facets)}
      {list.error !== null && !isRefused && <Failed error={list.error} onRetry={() => void list.refetch()} />}
      {first === undefined && list.isPending && <Loading />}
      {first && (
        <>
          <p className="dim small list-counts">{counts}</p>
          <Announcer
            counts={[counts, ...(props.told?.(first.facets) ?? [])].join(", ")}
            keys={first.rows.length < first.matched ? noKeys : newest.map(props.keyOf)}
            question={`${filter} ${sort} ${JSON.stringify(props.extra)}`}
          />
          {rows.length > 0 ? (
            <div onPointerMove={steady.hold} onPointerLeave={steady.release}>
              {steady.waiting > 0 && (
                <Button size="compact-sm" onClick={steady.renew}>
                  {text.table.waiting(steady.waiting)}
                </Button>
              )}
              <DataTable
                caption={props.title}
                columns={columns}
                rows={rows}
                gone={steady.gone}
                keyOf={props.keyOf}
                nameOf={props.nameOf}
                sort={sort}
                onSort={(next) => set({ sort: next })}
                opened={opened}
                onOpen={onOpen}
                onEnd={onEnd}
                {...(props.detail ? { detail: props.detail } : {})}
                {...(groupOf ? { groupOf, folded, onFold } : {})}
                {...(props.selectionBar ? { selection: { keys: selected, onChange: setSelected } } : {})}
              />
            </div>
          ) : first.total === 0 ? (
            props.empty
          ) : (
            <NoMatch filter={joinTerms([filter])} onClear={clear} />
          )}
        </>
      )}
      {props.selectionBar && chosen.length > 0 && (
        <section className="selection-bar" aria-label={text.table.selection}>
          <strong aria-live="polite">{text.table.selected(chosen.length)}</strong>
          {props.selectionBar(chosen, clearSelection)}
          <Button size="compact-sm" variant="subtle" onClick={clearSelection}>
            {text.table.clearSelection}
          </Button>
        </section>
      )}
    </Page>
  );
}

interface TableMenuProps<P extends ListPath> extends ListPageProps<P> {
  rows: ReadonlyArray<RowOf<P>>;
  filter: string;
  sort: string;
  hidden: readonly string[];
  state: PageState;
}

/** Columns, exports, links. */
function TableMenu<P extends ListPath>(props: TableMenuProps<P>) {
  const url = () =>
    new URL(urlOf(props.path, { ...props.extra, q: props.filter, sort: props.sort }), location.href).href;
  const toggle = (key: string) => {
    const rest = props.hidden.filter((other) => other !== key && other !== "");
    props.state.set({ hide: (props.hidden.includes(key) ? rest : [...rest, key]).join(",") });
  };
  return (
    <Menu
      label={text.table.menu}
      parts={[
        {
          title: text.table.columns,
          entries: props.columns.map((column) => ({
            title: column.title,
            isChecked: !props.hidden.includes(column.key),
            run: () => toggle(column.key),
          })),
        },
        {
          entries: [
            {
              title: text.table.csv,
              run: () => save(`${props.name}.csv`, "text/csv", toCsv(props.columns, props.rows)),
            },
            {
              title: text.table.json,
              run: () => save(`${props.name}.json`, "application/json", JSON.stringify(props.rows, null, 2)),
            },
            { title: text.table.curl, copies: () => `curl '${url().replace(/'/g, "%27")}'` },
            { title: text.table.link, copies: () => location.href },
          ],
        },
      ]}
    />
  );
}
