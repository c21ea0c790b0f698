// Tables as CSV and JSON, saved by the browser.
import type { Column } from "./DataTable";

/** A cell that a spreadsheet would run as a formula gets an apostrophe before it. */
export function csvCell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

export function toCsv<T>(columns: ReadonlyArray<Column<T>>, rows: readonly T[]): string {
  const withText = columns.filter((column) => column.text !== undefined);
  const lines = rows.map((row) => withText.map((column) => csvCell(column.text?.(row) ?? "")).join(","));
  return [withText.map((column) => csvCell(column.title)).join(","), ...lines, ""].join("\r\n");
}

export function save(name: string, mediaType: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: mediaType }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}
