// What the server wants operators to know, and what its clock and readiness say: a bell with a count, and the list.
import { useEffect, useId, useRef, useState } from "react";
import { useGet, useHas } from "../api/hooks";
import { Icon } from "../kit/Icon";
import { ActionIcon } from "../kit/mantine";
import { Ago } from "../kit/Time";
import { text } from "../text";

const words = text.shell.notices;

export function Notices() {
  // An Alertmanager alone has none.
  const isServed = useHas("/rules");
  const found = useGet("/api/v1/notifications", {}, { enabled: isServed, live: true });
  const id = useId();
  const around = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    const onPress = (event: PointerEvent) => {
      if (!around.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);
  if (!isServed) return null;
  const list = (Array.isArray(found.data?.data) ? found.data.data : []).filter((one) => one.active);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what the button opened
    <div
      className="menu"
      ref={around}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        setOpen(false);
        around.current?.querySelector("button")?.focus();
        event.stopPropagation();
      }}
    >
      <ActionIcon
        variant="subtle"
        size={32}
        aria-label={words.count(list.length)}
        title={words.title}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="alert" />
        {list.length > 0 && (
          <span className="bell-count" aria-hidden="true">
            {list.length}
          </span>
        )}
      </ActionIcon>
      <span className="visually-hidden" role="status">
        {list.map((one) => one.text).join(" ")}
      </span>
      {isOpen && (
        <section className="menu-list notices" id={id} aria-label={words.title}>
          <h2>{words.title}</h2>
          {list.length === 0 && <p className="dim">{words.none}</p>}
          <ul className="plain-list">
            {list.map((one) => (
              <li key={`${one.text} ${one.date}`}>
                <span className="wrap">{one.text}</span>{" "}
                <span className="small dim">
                  <Ago at={one.date} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
