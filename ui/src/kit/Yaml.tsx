// YAML to read: lines have numbers, sections fold, Ctrl+F of the browser finds what is in sight.
import { yaml } from "@codemirror/lang-yaml";
import { foldGutter, foldKeymap } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { CopyButton } from "./Copy";
import { colours, look } from "./codemirror";
import { text as words } from "../text";

export default function Yaml({ text, label }: { text: string; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          yaml(),
          colours,
          look,
          lineNumbers(),
          foldGutter(),
          keymap.of(foldKeymap),
          EditorState.readOnly.of(true),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true" }),
        ],
      }),
    });
    return () => view.destroy();
  }, [text, label]);
  return (
    <div className="yaml">
      <div className="row" style={{ justifyContent: "flex-end", marginBottom: 6 }}>
        <CopyButton value={text} label={words.copy} />
      </div>
      <div className="card" ref={place} style={{ padding: 0, overflow: "hidden" }} />
    </div>
  );
}
