// A configuration to write: the browser's own field, with numbers before the lines, and what is wrong with it below,
// each problem a way to its line. Only the numbers in sight are in the document.
import { useId, useRef, useState } from "react";
import { text as words } from "../text";

export interface TextProblem {
  /** From 1; null if it is of no line. */
  line: number | null;
  column: number;
  message: string;
}

interface ConfigTextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problems: readonly TextProblem[];
  problemsTitle: string;
  lineTitle: (line: number) => string;
}

// As in the style sheet.
const linePx = 20;
const heightPx = 400;
const linesInSight = heightPx / linePx;
/** More problems than these nobody mends at once. */
const problemsMax = 50;

export function ConfigText({ label, value, onChange, problems, problemsTitle, lineTitle }: ConfigTextProps) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const [top, setTop] = useState(0);
  const count = lineCount(value);
  const marked = new Set(problems.map(({ line }) => line));
  const first = Math.floor(top / linePx);
  const numbers = Array.from(
    { length: Math.max(Math.min(linesInSight + 1, count - first), 0) },
    (_, at) => first + at + 1,
  );
  const goTo = ({ line, column }: TextProblem) => {
    const at = field.current;
    if (!at || line === null) return;
    const [from, to] = placeOf(value, line, column);
    at.focus();
    at.setSelectionRange(from, to);
    at.scrollTop = Math.max(line - 4, 0) * linePx;
  };
  return (
    <div>
      <label htmlFor={id} className="field-label">
        {label}
      </label>
      <div className="config-text" style={{ height: heightPx }}>
        <div className="config-numbers" aria-hidden="true">
          <div style={{ transform: `translateY(${-(top % linePx)}px)` }}>
            {numbers.map((line) => (
              <span key={line} className={marked.has(line) ? "bad" : undefined}>
                {marked.has(line) ? `! ${line}` : line}
              </span>
            ))}
          </div>
        </div>
        <textarea
          id={id}
          ref={field}
          value={value}
          wrap="off"
          spellCheck={false}
          autoComplete="off"
          aria-invalid={problems.length > 0}
          aria-describedby={problems.length > 0 ? `${id}-problems` : undefined}
          onChange={(event) => onChange(event.currentTarget.value)}
          onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        />
      </div>
      {problems.length > 0 && (
        <section className="message bad" role="alert" id={`${id}-problems`}>
          <h3>{problemsTitle}</h3>
          <ul className="plain-list">
            {problems.slice(0, problemsMax).map((problem, index) => (
              <li key={index} className="wrap">
                {problem.line !== null && (
                  <button type="button" className="text-button" onClick={() => goTo(problem)}>
                    {lineTitle(problem.line)}
                  </button>
                )}{" "}
                {problem.message}
              </li>
            ))}
            {problems.length > problemsMax && <li>{words.silences.andMore(problems.length - problemsMax)}</li>}
          </ul>
        </section>
      )}
    </div>
  );
}

function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** From a place to the end of its line, as offsets. Places outside of the text are its end. */
export function placeOf(text: string, line: number, column: number): [number, number] {
  let start = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) return [text.length, text.length];
    start = end + 1;
  }
  const next = text.indexOf("\n", start);
  const end = next < 0 ? text.length : next;
  return [Math.min(start + Math.max(column - 1, 0), end), end];
}
