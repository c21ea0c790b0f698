// The editor of expressions: completion from the server, brackets, colours, mistakes underlined, history.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, linter, lintKeymap } from "@codemirror/lint";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";
import { useEffect, useRef } from "react";
import { get, urlOf } from "../api/client";
import { colours, look } from "../kit/codemirror";
import { text } from "../text";
import { remembered } from "./history";
import { foundIn } from "./problems";

interface EditorProps {
  value: string;
  label: string;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
  onFormat: (value: string) => void;
}

const lengthMax = 100_000;

function language() {
  return new PromQLExtension()
    .setComplete({
      remote: { url: urlOf(""), httpMethod: "GET", cache: { maxAge: 60_000 } },
      maxMetricsMetadata: 10_000,
    })
    .activateLinter(false)
    .asExtension();
}

const restMs = 400;

/** The server reads expressions: it knows every function and what is switched on, and proposes what was meant. */
async function problemsOf(editor: EditorView): Promise<Diagnostic[]> {
  const query = editor.state.doc.toString();
  if (query.trim() === "") return [];
  const checked = await get("/api/keepwatch/v1/query/check", { query }).catch(() => null);
  return foundIn(query, checked?.data.problems ?? []).map(({ from, to, message, hint, instead }) => ({
    from,
    to,
    severity: "error",
    message: hint === null ? message : `${message}: ${hint}`,
    ...(instead === null
      ? {}
      : {
          actions: [
            {
              name: text.explore.fix(instead),
              apply: (view: EditorView, start: number, end: number) =>
                view.dispatch({ changes: { from: start, to: end, insert: instead } }),
            },
          ],
        }),
  }));
}

export default function Editor(props: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef(props);
  latest.current = props;
  const { value, label } = props;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes goes through `latest`
  useEffect(() => {
    if (!place.current) return;
    let back = -1;
    const replace = (editor: EditorView, next: string) =>
      editor.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: next },
        selection: { anchor: next.length },
      });
    const recall = (by: 1 | -1) => (editor: EditorView) => {
      const list = remembered();
      const next = back + by;
      if (next < -1 || next >= list.length) return true;
      back = next;
      replace(editor, next === -1 ? latest.current.value : (list[next] ?? ""));
      return true;
    };
    const run = (editor: EditorView) => {
      back = -1;
      latest.current.onRun(editor.state.doc.toString());
      return true;
    };
    const keys = Prec.highest(
      keymap.of([
        { key: "Mod-Enter", run },
        { key: "Shift-Enter", run: insertNewlineAndIndent },
        { key: "Alt-ArrowUp", run: recall(1) },
        { key: "Alt-ArrowDown", run: recall(-1) },
        {
          key: "Alt-f",
          run: (editor) => {
            latest.current.onFormat(editor.state.doc.toString());
            return true;
          },
        },
        {
          key: "Escape",
          run: (editor) => {
            editor.contentDOM.blur();
            return false;
          },
        },
      ]),
    );
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          keys,
          // Below the completion's own Enter, which takes what is chosen.
          autocompletion(),
          Prec.high(keymap.of(completionKeymap)),
          keymap.of([{ key: "Enter", run }]),
          new Compartment().of(language()),
          linter(problemsOf, { delay: restMs }),
          bracketMatching(),
          closeBrackets(),
          history(),
          colours,
          look,
          placeholder(text.explore.type),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          EditorState.changeFilter.of((change) => change.newDoc.length <= lengthMax),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, []);

  // A link, the formatter or another page changed the expression.
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);

  return <div className="editor" ref={place} />;
}
