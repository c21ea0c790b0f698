// Pieces of an expression with the class of each.
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { parser } from "@prometheus-io/lezer-promql";

export const classes = tagHighlighter([
  { tag: [tags.function(tags.variableName), tags.operatorKeyword, tags.modifier, tags.keyword], class: "q-word" },
  { tag: [tags.string], class: "q-text" },
  { tag: [tags.number, tags.special(tags.number)], class: "q-number" },
  { tag: [tags.labelName], class: "q-label" },
  { tag: [tags.comment, tags.lineComment], class: "q-comment" },
]);

export function highlight(text: string): Array<{ text: string; style: string }> {
  const pieces: Array<{ text: string; style: string }> = [];
  highlightCode(
    text,
    parser.parse(text),
    classes,
    (piece, style) => pieces.push({ text: piece, style }),
    () => pieces.push({ text: "\n", style: "" }),
  );
  return pieces;
}
