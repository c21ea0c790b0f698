// What our two editors share: colours by our own classes, and sizes.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const style = HighlightStyle.define([
  {
    tag: [
      tags.function(tags.variableName),
      tags.operatorKeyword,
      tags.modifier,
      tags.keyword,
      tags.definition(tags.propertyName),
      tags.propertyName,
    ],
    class: "q-word",
  },
  { tag: [tags.string], class: "q-text" },
  { tag: [tags.number, tags.special(tags.number), tags.bool], class: "q-number" },
  { tag: [tags.labelName], class: "q-label" },
  { tag: [tags.comment, tags.lineComment], class: "q-comment" },
]);

export const colours = syntaxHighlighting(style);

export const look = EditorView.theme({
  "&": { backgroundColor: "var(--ground)", color: "var(--text)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { caretColor: "var(--text)", fontFamily: "var(--mono)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--dim)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    background: "var(--accent-ground)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-ground)", outline: "1px solid var(--line-strong)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent-ground)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--dim)" },
  ".cm-placeholder": { color: "var(--dim)" },
});
