// Pieces of a text with the class of each, by a parser of lezer.

import type { Parser } from "@lezer/common";
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";

export interface Piece {
  text: string;
  style: string;
}

const classes = tagHighlighter([
  {
    tag: [
      tags.function(tags.variableName),
      tags.operatorKeyword,
      tags.modifier,
      tags.keyword,
      tags.definition(tags.propertyName),
    ],
    class: "q-word",
  },
  { tag: tags.string, class: "q-text" },
  { tag: tags.number, class: "q-number" },
  { tag: tags.labelName, class: "q-label" },
  { tag: [tags.comment, tags.lineComment], class: "q-comment" },
]);

/** One list for each line. */
export function highlight(text: string, parser: Parser): Piece[][] {
  const lines: Piece[][] = [[]];
  highlightCode(
    text,
    parser.parse(text),
    classes,
    (piece, style) => lines[lines.length - 1]?.push({ text: piece, style }),
    () => lines.push([]),
  );
  return lines;
}
