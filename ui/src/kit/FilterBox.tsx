// The one filter box. What is typed filters at once; Enter makes a chip of it; Backspace takes a chip back.
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { text } from "../text";
import { formatCount } from "./format";
import { Icon } from "./Icon";
import { joinTerms, splitTerms } from "./terms";

export type Facets = Record<string, Record<string, number>>;

interface FilterBoxProps {
  value: string;
  onChange: (filter: string) => void;
  /** Of the list: what `@key:value` can be. */
  facets?: Facets | undefined;
  placeholder: string;
  /** What the server says of the filter. */
  problem?: string | undefined;
}

const settleMs = 120;
const suggestionsMax = 50;

function suggest(typed: string, facets: Facets): Array<{ term: string; count?: number }> {
  if (!typed.startsWith("@")) return [];
  const at = typed.indexOf(":");
  if (at < 0)
    return Object.keys(facets)
      .filter((key) => `@${key}`.startsWith(typed))
      .map((key) => ({ term: `@${key}:` }));
  const key = typed.slice(1, at);
  const part = typed.slice(at + 1).toLowerCase();
  return Object.entries(facets[key] ?? {})
    .filter(([value]) => value.toLowerCase().includes(part))
    .slice(0, suggestionsMax)
    .map(([value, count]) => ({ term: `@${key}:${/[\s{}]/.test(value) ? `"${value}"` : value}`, count }));
}

export function FilterBox({ value, onChange, facets = {}, placeholder, problem }: FilterBoxProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [chips, setChips] = useState(() => splitTerms(value));
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const sent = useRef(value);

  // Somebody else changed the filter: a link, a button of the page.
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setChips(splitTerms(value));
    setTyped("");
  }, [value]);

  // Typing stays local until it settles, so that no keystroke waits for the server.
  useEffect(() => {
    const filter = joinTerms([...chips, ...(typed.trim() === "" ? [] : [typed.trim()])]);
    if (filter === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = filter;
      onChange(filter);
    }, settleMs);
    return () => clearTimeout(timer);
  }, [chips, typed, onChange]);

  const suggestions = useMemo(() => (isOpen ? suggest(typed, facets) : []), [isOpen, typed, facets]);
  const take = (term: string) => {
    if (term.endsWith(":")) setTyped(term);
    else {
      setChips((before) => [...before, ...splitTerms(term)]);
      setTyped("");
    }
    setChosen(-1);
    input.current?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const move = event.key === "ArrowDown" ? 1 : -1;
      if (suggestions.length > 0) {
        event.preventDefault();
        setChosen((before) => Math.min(Math.max(before + move, -1), suggestions.length - 1));
      }
    } else if (event.key === "Enter") {
      const suggestion = suggestions[chosen];
      if (suggestion) take(suggestion.term);
      else if (typed.trim() !== "") take(typed.trim());
    } else if (event.key === "Backspace" && typed === "" && chips.length > 0) {
      event.preventDefault();
      setTyped(chips[chips.length - 1] ?? "");
      setChips(chips.slice(0, -1));
    } else if (event.key === "Escape") {
      setOpen(false);
      input.current?.blur();
    }
  };
  const hasList = suggestions.length > 0;
  return (
    <div className="grow">
      <div className="filter">
        <Icon name="search" />
        {chips.map((chip, index) => (
          <span className="chip" key={`${index}${chip}`}>
            <span>{chip}</span>
            <button
              type="button"
              aria-label={text.filter.remove(chip)}
              onClick={() => setChips(chips.filter((_, other) => other !== index))}
            >
              ×
            </button>
          </span>
        ))}
        <input
          ref={input}
          data-filter
          role="combobox"
          aria-label={placeholder}
          aria-expanded={hasList}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={hasList && chosen >= 0 ? `${id}-${chosen}` : undefined}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : `${id}-problem`}
          autoComplete="off"
          spellCheck={false}
          maxLength={5000}
          placeholder={chips.length === 0 ? placeholder : ""}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setChosen(-1);
            setOpen(true);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setOpen(false)}
        />
        <ul
          className="suggestions"
          id={`${id}-list`}
          role="listbox"
          aria-label={text.filter.suggestions}
          hidden={!hasList}
        >
          {suggestions.map((suggestion, index) => (
            // The keys of the input choose; a pointer must not take the focus from it.
            // biome-ignore lint/a11y/useKeyWithClickEvents: as above
            <li
              key={suggestion.term}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(suggestion.term)}
            >
              <span className="mono">{suggestion.term}</span>
              {suggestion.count !== undefined && <span className="dim">{formatCount(suggestion.count)}</span>}
            </li>
          ))}
        </ul>
      </div>
      {problem !== undefined && (
        <p className="bad small wrap" id={`${id}-problem`} role="status">
          {problem}
        </p>
      )}
    </div>
  );
}
