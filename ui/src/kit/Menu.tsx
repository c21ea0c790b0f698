// A button that opens a list of actions: arrows move, Escape and a press elsewhere close it, the focus comes back.
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Icon } from "./Icon";
import { ActionIcon } from "./mantine";

export interface MenuEntry {
  title: string;
  run: () => void;
  /** Something that is on or off; the menu stays open. */
  isChecked?: boolean;
}

export interface MenuPart {
  title?: string;
  entries: readonly MenuEntry[];
}

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
  const choose = (entry: MenuEntry) => {
    entry.run();
    if (entry.isChecked === undefined) close();
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
      {isOpen && (
        <div className="menu-list" id={id} role="menu" aria-label={label} tabIndex={-1} onKeyDown={onKeyDown}>
          {parts.map((part, index) => (
            <Part key={index} title={part.title}>
              {part.entries.map((entry) => (
                <button
                  key={entry.title}
                  type="button"
                  {...(entry.isChecked === undefined
                    ? { role: "menuitem" }
                    : { role: "menuitemcheckbox", "aria-checked": entry.isChecked })}
                  tabIndex={-1}
                  onClick={() => choose(entry)}
                >
                  {entry.isChecked !== undefined && (
                    <span className="menu-mark">{entry.isChecked && <Icon name="ok" size={14} />}</span>
                  )}
                  {entry.title}
                </button>
              ))}
            </Part>
          ))}
        </div>
      )}
    </div>
  );
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
