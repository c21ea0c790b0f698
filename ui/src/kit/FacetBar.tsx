// Buttons for the values of one `@key`, with their counts: all | firing 3 | pending 1.
import { text } from "../text";
import type { Facets } from "./FilterBox";
import { formatCount } from "./format";

interface FacetBarProps {
  name: string;
  /** In this order; values that occur and are not named come after. */
  values: readonly string[];
  facets: Facets | undefined;
  facet: string;
  total: number | undefined;
  chosen: readonly string[];
  onChoose: (values: string[]) => void;
}

export function FacetBar({ name, values, facets, facet, total, chosen, onChoose }: FacetBarProps) {
  const counts = facets?.[facet] ?? {};
  const shown = [...values, ...Object.keys(counts).filter((value) => !values.includes(value))];
  const toggle = (value: string) =>
    onChoose(chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value]);
  return (
    <fieldset className="facets">
      <legend className="visually-hidden">{name}</legend>
      <button type="button" aria-pressed={chosen.length === 0} onClick={() => onChoose([])}>
        {text.all} {total !== undefined && <span className="count">{formatCount(total)}</span>}
      </button>
      {shown.map((value) => (
        <button key={value} type="button" aria-pressed={chosen.includes(value)} onClick={() => toggle(value)}>
          {text.states[value] ?? value} <span className="count">{formatCount(counts[value] ?? 0)}</span>
        </button>
      ))}
    </fieldset>
  );
}
