// Our own icons: strokes on a grid of 16. They are decoration; a word always stands beside or in a label.

const paths = {
  query: "M2 13h12M3 10l3-4 3 2 4-5",
  metrics: "M2 4h12M2 8h8M2 12h5",
  log: "M3 2h10v12H3zM5 5h6M5 8h6M5 11h4",
  alert: "M8 2c3 0 4 2 4 5v3l1 2H3l1-2V7c0-3 1-5 4-5zM7 14h2",
  rules: "M3 4l1 1 2-2M3 9l1 1 2-2M8 4h5M8 9h5M8 13h5M3 13h2",
  timeline: "M2 8h12M4 5v6M8 3v10M12 6v4",
  silence: "M3 3l10 10M8 2c3 0 4 2 4 5v2M4 6v4l-1 2h8M7 14h2",
  routing: "M3 3v4c0 2 1 3 3 3h7M10 7l3 3-3 3M3 7h5c2 0 2-4 5-4",
  target: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 5a3 3 0 100 6 3 3 0 000-6z",
  discovery: "M7 2a5 5 0 100 10A5 5 0 007 2zM11 11l3 3",
  why: "M8 2a6 6 0 100 12A6 6 0 008 2zM6 6c0-2 4-2 4 0 0 1-2 1-2 3M8 11.500v.5",
  overview: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
  storage: "M3 4c0-2 10-2 10 0v8c0 2-10 2-10 0zM3 4c0 2 10 2 10 0M3 8c0 2 10 2 10 0",
  config: "M3 2h7l3 3v9H3zM10 2v3h3M5 8h6M5 11h6",
  flags: "M4 14V2M4 3h8l-2 3 2 3H4",
  peers:
    "M8 5a2 2 0 100-4 2 2 0 000 4zM3 14a2 2 0 100-4 2 2 0 000 4zM13 14a2 2 0 100-4 2 2 0 000 4zM7 5l-3 5M9 5l3 5M5 12h6",
  ok: "M3 8l3 3 7-7",
  bad: "M4 4l8 8M12 4l-8 8",
  warn: "M8 2l6 12H2zM8 6v4M8 12v.5",
  wait: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v3l2 2",
  unknown: "M6 6c0-2 4-2 4 0 0 1-2 1-2 3M8 11.500v.5",
  none: "M4 8h8",
  open: "M6 4l4 4-4 4",
  down: "M4 6l4 4 4-4",
  copy: "M5 5h8v9H5zM5 11H3V2h7v3",
  link: "M7 9a3 3 0 004 0l2-2a3 3 0 00-4-4L8 4M9 7a3 3 0 00-4 0L3 9a3 3 0 004 4l1-1",
  more: "M3 8h.5M8 8h.5M13 8h.5",
  settings:
    "M8 5.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5zM8 1.500v2M8 12.500v2M1.500 8h2M12.500 8h2M3.500 3.500l1.300 1.300M11.200 11.200l1.300 1.300M12.500 3.500l-1.300 1.300M4.800 11.200l-1.300 1.300",
  search: "M7 3a4 4 0 100 8 4 4 0 000-8zM10 10l4 4",
  pause: "M5 3v10M11 3v10",
  play: "M4 3l9 5-9 5z",
  plus: "M8 3v10M3 8h10",
  refresh: "M13 8a5 5 0 11-2-4l2 1M13 2v3h-3",
  left: "M10 4l-4 4 4 4",
  right: "M6 4l4 4-4 4",
  fold: "M2 3h12v10H2zM6 3v10",
  keys: "M2 4h12v8H2zM4 7h.5M7 7h.5M10 7h.5M5 10h6",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false" style={{ flex: "none" }}>
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
