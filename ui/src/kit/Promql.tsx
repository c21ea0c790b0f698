// PromQL to read: coloured by the language's own parser, which is loaded when it is needed.
import { useEffect, useState } from "react";

type Piece = { text: string; style: string };

/** Longer expressions stay without colours. */
const colouredMax = 20_000;

export function Promql({ text }: { text: string }) {
  const [pieces, setPieces] = useState<Piece[]>([{ text, style: "" }]);
  useEffect(() => {
    let isGone = false;
    setPieces([{ text, style: "" }]);
    if (text.length > colouredMax) return;
    void import("../promql/highlight").then(({ highlight }) => {
      if (!isGone) setPieces(highlight(text));
    });
    return () => {
      isGone = true;
    };
  }, [text]);
  return (
    <pre className="promql">
      {pieces.map((piece, index) => (
        <span key={index} className={piece.style || undefined}>
          {piece.text}
        </span>
      ))}
    </pre>
  );
}
