// The one table: sorted by the server, rows that open, groups, and only the rows in sight in the document when
// there are many. It is a real table, with a caption and the state of its order.
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { text } from "../text";
import { Icon } from "./Icon";

export interface Column<T> {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  /** Name of the server's order. */
  sort?: string;
  /** CSS width; columns without one share what is left. */
  width?: string;
  numeric?: boolean;
  /** For exports. */
  text?: (row: T) => string;
}

export interface Group {
  key: string;
  /** Names it to screen readers. */
  name: string;
  head: ReactNode;
}

export interface DataTableProps<T> {
  caption: string;
  columns: ReadonlyArray<Column<T>>;
  rows: readonly T[];
  /** Keys of rows that are not there any more, and keep their place for a moment. */
  gone?: ReadonlySet<string>;
  keyOf: (row: T) => string;
  /** As the server takes it: a name, `-` before it turns it round. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** What an opened row shows; rows without it do not open. */
  detail?: (row: T) => ReactNode;
  opened?: ReadonlySet<string>;
  onOpen?: (key: string, isOpen: boolean) => void;
  nameOf?: (row: T) => string;
  groupOf?: (row: T) => Group | null;
  /** Keys of groups whose rows are folded away. */
  folded?: ReadonlySet<string>;
  onFold?: (key: string, isFolded: boolean) => void;
  /** With it, rows have a box to select them. */
  selection?: Selection;
  /** Called when the last rows come into sight. */
  onEnd?: () => void;
}

export interface Selection {
  keys: ReadonlySet<string>;
  onChange: (keys: ReadonlySet<string>) => void;
}

type Item<T> =
  | { kind: "group"; key: string; group: Group }
  | { kind: "row"; key: string; row: T }
  | { kind: "detail"; key: string; row: T };

/** Below this, all rows are in the document: find in page and print work then. */
const virtualFrom = 200;

function itemsOf<T>(props: DataTableProps<T>): Array<Item<T>> {
  const items: Array<Item<T>> = [];
  const add = (rows: readonly T[]) => {
    for (const row of rows) {
      const key = props.keyOf(row);
      items.push({ kind: "row", key, row });
      if (props.detail && props.opened?.has(key)) items.push({ kind: "detail", key: `detail ${key}`, row });
    }
  };
  const { groupOf } = props;
  if (!groupOf) {
    add(props.rows);
    return items;
  }
  for (const { group, rows } of grouped(props.rows, groupOf)) {
    if (group) items.push({ kind: "group", key: `group ${group.key}`, group });
    if (!group || !props.folded?.has(group.key)) add(rows);
  }
  return items;
}

/** Each group once, where its first row stands: the order of rows need not be that of groups. */
export function grouped<T>(
  rows: readonly T[],
  groupOf: (row: T) => Group | null,
): Array<{ group: Group | null; rows: T[] }> {
  const found = new Map<string | null, { group: Group | null; rows: T[] }>();
  for (const row of rows) {
    const group = groupOf(row);
    const key = group === null ? null : group.key;
    const known = found.get(key);
    if (known) known.rows.push(row);
    else found.set(key, { group, rows: [row] });
  }
  return [...found.values()];
}

function nextSort(column: string, sort: string): string {
  return sort === column ? `-${column}` : column;
}

function orderOf(column: string | undefined, sort: string): "ascending" | "descending" | undefined {
  if (column === undefined) return undefined;
  return sort === column ? "ascending" : sort === `-${column}` ? "descending" : undefined;
}

export function DataTable<T>(props: DataTableProps<T>) {
  const { columns, onEnd, sort = "" } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what the items are made of
  const items = useMemo(
    () => itemsOf(props),
    [props.rows, props.opened, props.groupOf, props.folded, props.detail, props.keyOf],
  );
  const isVirtual = items.length > virtualFrom;

  useEffect(() => {
    const measure = () => setTop(body.current ? body.current.getBoundingClientRect().top + window.scrollY : 0);
    measure();
    window.addEventListener("resize", measure);
    return () => window.removeEventListener("resize", measure);
  }, []);

  const virtualizer = useWindowVirtualizer({
    count: items.length,
    enabled: isVirtual,
    estimateSize: () => 34,
    getItemKey: useCallback((index: number) => items[index]?.key ?? index, [items]),
    overscan: 12,
    scrollMargin: top,
  });
  const seen = virtualizer.getVirtualItems();
  const shown = isVirtual
    ? seen.map((one) => ({ index: one.index, item: items[one.index] }))
    : items.map((item, index) => ({ index, item }));
  const last = shown[shown.length - 1]?.index ?? 0;
  useEffect(() => {
    if (last >= items.length - 30) onEnd?.();
  }, [last, items.length, onEnd]);
  const before = isVirtual && seen[0] ? seen[0].start - top : 0;
  const lastSeen = seen[seen.length - 1];
  const after = isVirtual && lastSeen ? virtualizer.getTotalSize() - (lastSeen.end - top) : 0;
  const span = columns.length + (props.detail ? 1 : 0) + (props.selection ? 1 : 0);
  const onSelect = useSelect(props);

  return (
    <table className="table" aria-rowcount={isVirtual ? items.length + 1 : undefined}>
      <caption>{props.caption}</caption>
      <thead>
        <tr>
          {props.detail && (
            <th scope="col" style={{ width: 40 }}>
              <span className="visually-hidden">{text.table.details}</span>
            </th>
          )}
          {props.selection && <SelectAll table={props} selection={props.selection} />}
          {columns.map((column) => (
            <Head key={column.key} column={column} sort={sort} onSort={props.onSort} />
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        {before > 0 && <Space height={before} span={span} />}
        {shown.map(
          ({ item, index }) =>
            item && (
              <TableItem
                key={item.key}
                item={item}
                index={index}
                span={span}
                table={props}
                onSelect={onSelect}
                measure={isVirtual ? virtualizer.measureElement : undefined}
              />
            ),
        )}
        {after > 0 && <Space height={after} span={span} />}
      </tbody>
    </table>
  );
}

/** One row, or with Shift all from the one that was selected last. */
function useSelect<T>({ rows, keyOf, selection }: DataTableProps<T>): (key: string, isRange: boolean) => void {
  const last = useRef<string | null>(null);
  return (key, isRange) => {
    if (!selection) return;
    const isSelected = !selection.keys.has(key);
    const keys = rows.map(keyOf);
    const from = isRange && last.current !== null ? keys.indexOf(last.current) : -1;
    const to = keys.indexOf(key);
    const changed = from < 0 ? [key] : keys.slice(Math.min(from, to), Math.max(from, to) + 1);
    const next = new Set(selection.keys);
    for (const one of changed) {
      if (isSelected) next.add(one);
      else next.delete(one);
    }
    last.current = key;
    selection.onChange(next);
  };
}

function SelectAll<T>({ table, selection }: { table: DataTableProps<T>; selection: Selection }) {
  const keys = table.rows.map(table.keyOf);
  const isAll = keys.length > 0 && keys.every((key) => selection.keys.has(key));
  return (
    <th scope="col" style={{ width: 36 }}>
      <input
        type="checkbox"
        className="select-row"
        aria-label={text.table.selectAll}
        checked={isAll}
        onChange={() => selection.onChange(new Set(isAll ? [] : keys))}
      />
    </th>
  );
}

function Space({ height, span }: { height: number; span: number }) {
  return (
    <tr>
      <td colSpan={span} style={{ border: 0, height, padding: 0 }} />
    </tr>
  );
}

function Head<T>({
  column,
  sort,
  onSort,
}: {
  column: Column<T>;
  sort: string;
  onSort?: ((sort: string) => void) | undefined;
}) {
  const order = orderOf(column.sort, sort);
  const mark = order === "ascending" ? " ▴" : order === "descending" ? " ▾" : "";
  return (
    <th
      scope="col"
      aria-sort={order}
      className={column.numeric ? "numeric" : undefined}
      style={{ width: column.width }}
    >
      {column.sort !== undefined && onSort ? (
        <button type="button" onClick={() => onSort(nextSort(column.sort ?? "", sort))}>
          {column.title}
          <span aria-hidden="true">{mark}</span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}

function GroupHead<T>({
  group,
  index,
  span,
  table,
  measure,
}: Omit<TableItemProps<T>, "item" | "onSelect"> & { group: Group }) {
  const isFolded = table.folded?.has(group.key) ?? false;
  return (
    <tr className="group" ref={measure} data-index={index} aria-rowindex={place(index, measure)}>
      <th scope="colgroup" colSpan={span}>
        <div className="group-head">
          {table.onFold && (
            <button
              type="button"
              className="opener"
              aria-expanded={!isFolded}
              aria-label={text.table.fold(group.name)}
              onClick={() => table.onFold?.(group.key, !isFolded)}
            >
              <Icon name="open" />
            </button>
          )}
          <div className="grow">{group.head}</div>
        </div>
      </th>
    </tr>
  );
}

interface TableItemProps<T> {
  item: Item<T>;
  index: number;
  span: number;
  table: DataTableProps<T>;
  onSelect: (key: string, isRange: boolean) => void;
  measure?: ((element: Element | null) => void) | undefined;
}

/** Where only the rows in sight are in the document, each says which it is; the head is the first. */
function place(index: number, measure: unknown): number | undefined {
  return measure === undefined ? undefined : index + 2;
}

function TableItem<T>({ item, index, span, table, onSelect, measure }: TableItemProps<T>) {
  if (item.kind === "group") {
    return <GroupHead group={item.group} index={index} span={span} table={table} measure={measure} />;
  }
  if (item.kind === "detail") {
    return (
      <tr className="detail" ref={measure} data-index={index} aria-rowindex={place(index, measure)}>
        <td colSpan={span}>{table.detail?.(item.row)}</td>
      </tr>
    );
  }
  const isOpen = table.opened?.has(item.key) ?? false;
  return (
    <tr
      className={table.gone?.has(item.key) ? "item gone" : "item"}
      title={table.gone?.has(item.key) ? text.table.gone : undefined}
      ref={measure}
      data-index={index}
      aria-rowindex={place(index, measure)}
    >
      {table.detail && (
        <td>
          <button
            type="button"
            className="opener"
            data-row
            aria-expanded={isOpen}
            aria-label={text.table.open(table.nameOf?.(item.row) ?? "")}
            onClick={() => table.onOpen?.(item.key, !isOpen)}
          >
            <Icon name="open" />
          </button>
        </td>
      )}
      {table.selection && (
        <td>
          <input
            type="checkbox"
            className="select-row"
            data-select
            aria-label={text.table.select(table.nameOf?.(item.row) ?? item.key)}
            checked={table.selection.keys.has(item.key)}
            onChange={(event) => onSelect(item.key, (event.nativeEvent as MouseEvent).shiftKey === true)}
          />
        </td>
      )}
      {table.columns.map((column) => (
        <td key={column.key} data-title={column.title} className={column.numeric ? "numeric" : undefined}>
          {column.render(item.row)}
        </td>
      ))}
    </tr>
  );
}
