// The palette: pages, actions, and what the server finds among rules, targets, metrics and silences.
import { useId, useState } from "react";
import { useNavigate } from "react-router";
import { useBoot, useGet } from "../api/hooks";
import { copyText } from "../kit/Copy";
import { quote } from "../kit/format";
import { Icon, type IconName } from "../kit/Icon";
import { Modal } from "../kit/mantine";
import { change } from "../kit/settings";
import { useSettled } from "../kit/settled";
import { useLive } from "../live/live";
import { text } from "../text";
import { areasThatWork } from "./areas";

interface Entry {
  key: string;
  icon: IconName;
  title: string;
  about?: string;
  run: () => void;
}

const words = text.shell.palette;
const foundMax = "6";

interface PaletteProps {
  opened: boolean;
  onClose: () => void;
  onOpen: (what: "keys" | "settings") => void;
}

export function Palette({ opened, onClose, onOpen }: PaletteProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      size="lg"
      title={<span className="visually-hidden">{words.label}</span>}
      yOffset="10vh"
    >
      <Search onClose={onClose} onOpen={onOpen} />
    </Modal>
  );
}

function useEntries(typed: string, onOpen: PaletteProps["onOpen"]): Entry[] {
  const navigate = useNavigate();
  const live = useLive();
  const boot = useBoot().data;
  const paths = boot?.paths;
  const isReadOnly = boot?.me.isReadOnly ?? true;
  const asked = useSettled(typed.trim());
  const q = asked === "" ? "" : quote(asked);
  const options = (path: string) => ({ enabled: q !== "" && paths !== undefined && paths.includes(path) });
  const rules = useGet("/api/keepwatch/v1/rules", { q, limit: foundMax }, options("/rules")).data?.data.rows ?? [];
  const targets =
    useGet("/api/keepwatch/v1/targets", { q, limit: foundMax }, options("/targets")).data?.data.rows ?? [];
  const metrics =
    useGet("/api/keepwatch/v1/metrics", { q, limit: foundMax }, options("/metrics")).data?.data.rows ?? [];
  const silences =
    useGet("/api/keepwatch/v1/silences", { q, limit: foundMax }, options("/silences")).data?.data.rows ?? [];
  const go = (path: string, params: Record<string, string> = {}) => {
    const search = new URLSearchParams(params).toString();
    return () => void navigate(search === "" ? path : `${path}?${search}`);
  };
  const links = areasThatWork(paths).flatMap((area) => area.pages);
  const pages = links.map((page) => ({
    key: page.path,
    icon: page.icon,
    title: page.title,
    run: go(page.path),
  }));
  const { actions } = text.shell;
  const own: Entry[] = [
    { key: "pause", icon: "pause", title: actions.pause, run: live.toggle },
    {
      key: "theme",
      icon: "settings",
      title: actions.theme,
      run: () => change({ theme: document.documentElement.dataset.mantineColorScheme === "dark" ? "light" : "dark" }),
    },
    { key: "settings", icon: "settings", title: text.shell.settings.title, run: () => onOpen("settings") },
    ...(isReadOnly || paths === undefined
      ? []
      : [{ key: "silence", icon: "silence" as const, title: text.silences.new, run: go("/silences/new") }]),
    { key: "keys", icon: "keys", title: actions.keys, run: () => onOpen("keys") },
    { key: "link", icon: "link", title: actions.copyLink, run: () => void copyText(location.href) },
  ];
  const word = typed.trim().toLowerCase();
  const named = [...pages, ...own].filter((entry) => entry.title.toLowerCase().includes(word));
  if (q === "") return named;
  return [
    ...named,
    ...metrics.map(
      (row): Entry => ({
        key: `metric ${row.name}`,
        icon: "metrics",
        title: row.name,
        about: row.help,
        run: go("/query", { "g0.expr": row.name, "g0.tab": "graph" }),
      }),
    ),
    ...rules.map(
      (row): Entry => ({
        key: `rule ${row.file} ${row.group} ${row.name} ${row.expression}`,
        icon: "rules",
        title: row.name,
        about: row.group,
        run: go("/rules", { q: quote(row.name) }),
      }),
    ),
    ...silences.map(
      (row): Entry => ({
        key: `silence ${row.id}`,
        icon: "silence",
        title: row.comment || row.id,
        about: text.states[row.state] ?? row.state,
        run: go(`/silences/${row.id}`),
      }),
    ),
    ...targets.map(
      (row): Entry => ({
        key: `target ${row.scrapePool} ${row.scrapeUrl}`,
        icon: "target",
        title: row.scrapeUrl,
        about: row.scrapePool,
        run: go("/targets", { q: quote(row.scrapeUrl) }),
      }),
    ),
  ];
}

function Search({ onClose, onOpen }: Omit<PaletteProps, "opened">) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const entries = useEntries(typed, onOpen);
  const at = Math.min(chosen, entries.length - 1);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  return (
    <div className="palette">
      <input
        // The palette is opened to type in it.
        data-autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={entries[at] ? `${id}-${at}` : undefined}
        aria-label={words.placeholder}
        placeholder={words.placeholder}
        maxLength={500}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setChosen(Math.min(at + 1, entries.length - 1));
          else if (event.key === "ArrowUp") setChosen(Math.max(at - 1, 0));
          else if (event.key === "Enter") run(entries[at]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={words.label}>
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the input choose
          <li
            key={entry.key}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onClick={() => run(entry)}
          >
            <Icon name={entry.icon} />
            <span className="one-line">{entry.title}</span>
            {entry.about && <span className="dim small one-line about">{entry.about}</span>}
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className="dim">{words.nothing}</p>}
    </div>
  );
}
