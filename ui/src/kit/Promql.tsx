// PromQL to read: coloured by the language's own parser, which is loaded when it is needed.
import { useEffect, useState } from "react";
import { CodeLine } from "./CodeLine";
import type { Piece } from "./highlight";

/** Longer expressions stay without colours. */
const colouredMax = 20_000;

export function Promql({ text }: { text: string }) {
  const [lines, setLines] = useState<Piece[][]>();
  useEffect(() => {
    let isGone = false;
    setLines(undefined);
    if (text.length > colouredMax) return;
    void import("../promql/highlight").then(({ highlightPromql }) => {
      if (!isGone) setLines(highlightPromql(text));
    });
    return () => {
      isGone = true;
    };
  }, [text]);
  return <pre className="promql">{lines?.map((line, index) => <CodeLine key={index} pieces={line} />) ?? text}</pre>;
}
