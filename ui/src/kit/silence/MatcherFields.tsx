// The matchers of a silence, one row each, with how many alerts each alone matches.
import { useId } from "react";
import { useGet } from "../../api/hooks";
import type { SilencePreview } from "../../api/types.gen";
import { text } from "../../text";
import { Icon } from "../Icon";
import { ActionIcon, Button } from "../mantine";
import { Select } from "../Select";
import { emptyRow, type MatcherRow, type Op, ops } from "./matchers";

const words = text.silences;
const rowsMax = 50;
const opChoices = ops.map((op) => ({ value: op, label: op }));

interface MatcherFieldsProps {
  rows: readonly MatcherRow[];
  onChange: (rows: MatcherRow[]) => void;
  preview: SilencePreview | undefined;
}

/** Names and values of labels of alerts that are there, to choose from. */
function useKnownLabels(): Map<string, string[]> {
  const alerts = useGet("/api/keepwatch/v1/alerts", { limit: "500" }).data?.data.rows ?? [];
  const known = new Map<string, Set<string>>();
  for (const alert of alerts) {
    for (const [name, value] of Object.entries(alert.labels)) {
      const values = known.get(name) ?? new Set();
      if (value.length <= 200) values.add(value);
      known.set(name, values);
    }
  }
  return new Map([...known].sort().map(([name, values]) => [name, [...values].sort().slice(0, 200)]));
}

function List({ id, values }: { id: string; values: Iterable<string> }) {
  return (
    <datalist id={id}>
      {[...values].map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}

export function MatcherFields({ rows, onChange, preview }: MatcherFieldsProps) {
  const id = useId();
  const known = useKnownLabels();
  const change = (index: number, changes: Partial<MatcherRow>) =>
    onChange(rows.map((row, other) => (other === index ? { ...row, ...changes } : row)));
  const remove = (index: number) => {
    const rest = rows.filter((_, other) => other !== index);
    onChange(rest.length === 0 ? [emptyRow] : rest);
  };
  const named = rows.filter((row) => row.name !== "");
  return (
    <fieldset className="matchers">
      <legend>{words.matchers}</legend>
      <List id={`${id}-names`} values={known.keys()} />
      {rows.map((row, index) => {
        // Answers are about the rows with a name, in their order.
        const told = row.name === "" ? undefined : preview?.matchers[named.indexOf(row)];
        const count = told?.name === row.name && told.value === row.value ? told.matched : undefined;
        return (
          <div key={index} className="matcher">
            <input
              aria-label={words.labelName(index + 1)}
              placeholder={words.labelNameHint}
              list={`${id}-names`}
              autoComplete="off"
              spellCheck={false}
              maxLength={1000}
              value={row.name}
              onChange={(event) => change(index, { name: event.currentTarget.value.trim() })}
            />
            <Select
              label={words.operator(index + 1)}
              options={opChoices}
              value={row.op}
              onChange={(op) => change(index, { op: op as Op })}
            />
            <List id={`${id}-values-${index}`} values={known.get(row.name) ?? []} />
            <input
              className="value"
              aria-label={words.labelValue(index + 1)}
              placeholder={words.labelValueHint}
              list={`${id}-values-${index}`}
              autoComplete="off"
              spellCheck={false}
              maxLength={10_000}
              value={row.value}
              onChange={(event) => change(index, { value: event.currentTarget.value })}
            />
            <span className="count dim small">{count === undefined ? "" : words.alertCount(count)}</span>
            <ActionIcon
              variant="subtle"
              size={32}
              aria-label={words.removeMatcher(index + 1)}
              onClick={() => remove(index)}
            >
              <Icon name="bad" />
            </ActionIcon>
          </div>
        );
      })}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Icon name="plus" size={14} />}
        disabled={rows.length >= rowsMax}
        onClick={() => onChange([...rows, emptyRow])}
      >
        {words.addMatcher}
      </Button>
    </fieldset>
  );
}
