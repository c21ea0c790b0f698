// Settings of this browser. Alertmanager's `/#/settings` opens them.
import { useEffect } from "react";
import { Drawer, SegmentedControl, Switch } from "../kit/mantine";
import { Select } from "../kit/Select";
import { change, type Settings, useSettings } from "../kit/settings";
import { zoneNames } from "../kit/zone";
import { text } from "../text";
import { usePageState } from "../url/state";

const words = text.shell.settings;

interface ChoiceProps<K extends "theme" | "density"> {
  title: string;
  name: K;
  words: Record<Settings[K], string>;
}

function Choice<K extends "theme" | "density">({ title, name, words }: ChoiceProps<K>) {
  const settings = useSettings();
  const data = Object.entries(words).map(([value, label]) => ({ value, label: String(label) }));
  return (
    <div>
      <h3 id={`setting-${name}`}>{title}</h3>
      <SegmentedControl
        aria-labelledby={`setting-${name}`}
        fullWidth
        data={data}
        value={settings[name]}
        onChange={(value) => change({ [name]: value })}
      />
    </div>
  );
}

/** The browser's zone, UTC, or one by its name. */
function ZoneChoice() {
  const { zone } = useSettings();
  const isNamed = zone !== "local" && zone !== "utc";
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const names = zoneNames();
  const data = Object.entries(words.zones)
    .filter(([value]) => value !== "named" || names.length > 0)
    .map(([value, label]) => ({ value, label }));
  return (
    <div className="stack">
      <div>
        <h3 id="setting-zone">{words.zone}</h3>
        <SegmentedControl
          aria-labelledby="setting-zone"
          fullWidth
          data={data}
          value={isNamed ? "named" : zone}
          onChange={(value) =>
            change({ zone: value === "named" ? (names.includes(own) ? own : (names[0] ?? "utc")) : value })
          }
        />
      </div>
      {isNamed && (
        <Select
          label={words.zoneName}
          showsLabel
          options={(names.includes(zone) ? names : [zone, ...names]).map((name) => ({ value: name, label: name }))}
          value={zone}
          onChange={(value) => change({ zone: value })}
        />
      )}
    </div>
  );
}

interface SettingsDrawerProps {
  opened: boolean;
  onClose: () => void;
  onOpen: () => void;
}

export function SettingsDrawer({ opened, onClose, onOpen }: SettingsDrawerProps) {
  const { keys } = useSettings();
  const state = usePageState();
  const isAsked = state.get("settings") === "open";
  const { set } = state;
  useEffect(() => {
    if (!isAsked) return;
    set({ settings: null });
    onOpen();
  }, [isAsked, set, onOpen]);
  return (
    <Drawer opened={opened} onClose={onClose} position="right" title={words.title}>
      <div className="stack">
        <p className="dim">{words.about}</p>
        <Choice title={words.theme} name="theme" words={words.themes} />
        <ZoneChoice />
        <Choice title={words.density} name="density" words={words.densities} />
        <Switch label={words.keys} checked={keys} onChange={(event) => change({ keys: event.currentTarget.checked })} />
      </div>
    </Drawer>
  );
}
