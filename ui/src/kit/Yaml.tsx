// YAML to read: in colours, with numbers before the lines and links to the sections. All of it is in the
// document, so that the browser finds and prints all of it.
import { parser } from "@lezer/yaml";
import { useMemo } from "react";
import { text as words } from "../text";
import { CodeLine } from "./CodeLine";
import { CopyButton } from "./Copy";
import { highlight, type Piece } from "./highlight";

/** Larger texts stay without colours. */
const colouredMax = 500_000;

function linesOf(text: string): Piece[][] {
  if (text.length <= colouredMax) return highlight(text, parser);
  return text.split("\n").map((line) => [{ text: line, style: "" }]);
}

export default function Yaml({ text, label }: { text: string; label: string }) {
  const lines = useMemo(() => linesOf(text), [text]);
  const sections = useMemo(
    () =>
      text
        .split("\n")
        .flatMap((line, index) => (/^[a-z_]+:/.test(line) ? [{ name: line.split(":")[0] ?? "", index }] : [])),
    [text],
  );
  return (
    <>
      <div className="row apart" style={{ marginBottom: 6 }}>
        <nav aria-label={words.server.config.outline} className="row small">
          {sections.map(({ name, index }) => (
            <a key={name} href={`#line-${index + 1}`}>
              {name}
            </a>
          ))}
        </nav>
        <CopyButton value={text} label={words.copy} />
      </div>
      <section aria-label={label}>
        <pre className="yaml">
          {lines.map((line, index) => (
            <span key={index} id={`line-${index + 1}`} className="numbered">
              <CodeLine pieces={line} />
            </span>
          ))}
        </pre>
      </section>
    </>
  );
}
