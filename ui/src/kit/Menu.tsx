// A button that opens a list of actions: arrows move, Escape and a press elsewhere close it, the focus comes back.
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { text } from "../text";
import { copyText } from "./Copy";
import { Icon } from "./Icon";
import { ActionIcon } from "./mantine";

interface Titled {
  title: string;
  /** The title is somebody's own text: shown as code, on one line. */
  isCode?: boolean;
}

/** What runs, or what is copied, which is said beside the button. */
export type MenuEntry = Titled &
  (
    | {
        run: () => void;
        /** Something that is on or off; the menu stays open. */
        isChecked?: boolean;
      }
    | { copies: () => string }
  );

export interface MenuPart {
  title?: string;
  entries: readonly MenuEntry[];
}

/** How long it says that something was copied. */
const saidMs = 2000;

export function Menu({ label, size = 32, parts }: { label: string; size?: number; parts: readonly MenuPart[] }) {
  const id = useId();
  const around = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const button = () => around.current?.querySelector("button");
  const entries = () => [...(around.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  const close = () => {
    setOpen(false);
    button()?.focus();
  };
  useEffect(() => {
    if (!isOpen) return;
    around.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const onPress = (event: PointerEvent) => {
      if (!around.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) all[(next + all.length) % all.length]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    if (next === undefined && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
  };
  const [said, setSaid] = useState("");
  const copy = async (value: string) => {
    setSaid((await copyText(value)) ? text.copied : text.notCopied);
    button()?.focus();
    setTimeout(() => setSaid(""), saidMs);
  };
  const choose = (entry: MenuEntry) => {
    if ("copies" in entry) {
      close();
      void copy(entry.copies());
      return;
    }
    if (entry.isChecked === undefined) close();
    entry.run();
  };
  return (
    <div className="menu" ref={around}>
      <ActionIcon
        variant="default"
        size={size}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="more" />
      </ActionIcon>
      <span className="menu-said small" role="status">
        {said}
      </span>
      {isOpen && (
        <div className="menu-list" id={id} role="menu" aria-label={label} tabIndex={-1} onKeyDown={onKeyDown}>
          {parts.map((part, index) => (
            <Part key={index} title={part.title}>
              {part.entries.map((entry) => (
                <button
                  key={entry.title}
                  type="button"
                  {...(isSwitch(entry)
                    ? { role: "menuitemcheckbox", "aria-checked": entry.isChecked }
                    : { role: "menuitem" })}
                  tabIndex={-1}
                  onClick={() => choose(entry)}
                >
                  {isSwitch(entry) && (
                    <span className="menu-mark">{entry.isChecked && <Icon name="ok" size={14} />}</span>
                  )}
                  {entry.isCode ? <code className="one-line">{entry.title.slice(0, 200)}</code> : entry.title}
                </button>
              ))}
            </Part>
          ))}
        </div>
      )}
    </div>
  );
}

function isSwitch(entry: MenuEntry): entry is Titled & { run: () => void; isChecked: boolean } {
  return "run" in entry && entry.isChecked !== undefined;
}

function Part({ title, children }: { title: string | undefined; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot stand in a menu
    <div role="group" aria-label={title}>
      {title !== undefined && (
        <span className="dim small" aria-hidden="true">
          {title}
        </span>
      )}
      {children}
    </div>
  );
}
