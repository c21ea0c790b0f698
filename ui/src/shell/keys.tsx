// Shortcuts. They are off while one types, and single keys can be switched off.
import { useEffect, useRef } from "react";
import { useNavigate } from "react-router";
import { Modal } from "../kit/mantine";
import { settings } from "../kit/settings";
import { useLive } from "../live/live";
import { text } from "../text";
import { areas } from "./areas";

const pages = new Map(
  areas.flatMap((area) => area.pages).flatMap((page) => (page.key ? [[page.key, page.path]] : [])) as Array<
    [string, string]
  >,
);

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === "checkbox") return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Rows that can be opened have a button; j and k go from one to the next. */
function moveRow(by: 1 | -1): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("main [data-row]")];
  const row = document.activeElement?.closest("tr");
  const at = buttons.findIndex((button) => button === document.activeElement || button.closest("tr") === row);
  const next = buttons[at < 0 ? (by > 0 ? 0 : buttons.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** The box of the row that has the focus; with Shift it selects all from the last one. */
function selectRow(isRange: boolean): void {
  const box = document.activeElement?.closest("tr")?.querySelector<HTMLInputElement>("[data-select]");
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: isRange }));
}

export function useKeys(open: (what: "palette" | "keys") => void): void {
  const navigate = useNavigate();
  const { toggle } = useLive();
  const goesAt = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!isPlain || !settings().keys || isTyping(event.target) || document.querySelector("[role=dialog]")) return;
      const goes = Date.now() - goesAt.current < 1200;
      goesAt.current = 0;
      const path = pages.get(event.key);
      if (goes && path) navigate(path);
      else if (event.key === "g") goesAt.current = Date.now();
      else if (event.key === "?") open("keys");
      else if (event.key === "/") document.querySelector<HTMLInputElement>("[data-filter]")?.focus();
      else if (event.key === "j") moveRow(1);
      else if (event.key === "k") moveRow(-1);
      else if (event.key === "o" && (document.activeElement as HTMLElement | null)?.dataset.row !== undefined)
        (document.activeElement as HTMLElement).click();
      else if (event.key === "x" || event.key === "X") selectRow(event.shiftKey);
      else if (event.key === "s") document.querySelector<HTMLElement>("[data-silence]")?.click();
      else if (event.key === "p") toggle();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate, open, toggle]);
}

export function KeySheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={text.shell.keys.title}>
      <p className="dim">{text.shell.keys.off}</p>
      <table className="facts keys">
        <tbody>
          {text.shell.keys.list.map(([keys, meaning]) => (
            <tr key={keys}>
              <th scope="row">
                {keys.split(" ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </th>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Modal>
  );
}
