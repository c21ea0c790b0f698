// Twelve colours that stay apart for deuteranopes, light enough on dark and dark enough on light; dashes after.

const light = [
  "#1f5f8b",
  "#c4590a",
  "#2e7d4f",
  "#a3195b",
  "#6b4fa8",
  "#7a6a00",
  "#0d7f8c",
  "#8c3b2a",
  "#4d5b69",
  "#3949ab",
  "#5d7a1f",
  "#b0307f",
];
const dark = [
  "#79bbea",
  "#f5a25d",
  "#6fd19a",
  "#f285b5",
  "#b9a3f0",
  "#dcc94f",
  "#5fd0de",
  "#e0937f",
  "#b4c0cc",
  "#98a6f5",
  "#b2d163",
  "#ee8fd0",
];

const dashes: ReadonlyArray<number[]> = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

export interface Stroke {
  color: string;
  dash: number[];
}

export function strokeOf(index: number, isDark: boolean): Stroke {
  const colors = isDark ? dark : light;
  return {
    color: colors[index % colors.length] ?? "#888888",
    dash: dashes[Math.floor(index / colors.length) % dashes.length] ?? [],
  };
}

/** From nearly the ground to far from it: few to many. */
const heatEnds = {
  light: [
    [214, 230, 243],
    [8, 48, 107],
  ],
  dark: [
    [34, 60, 84],
    [214, 238, 255],
  ],
} as const;

/** The colour of a cell; `share` is from 0 to 1. */
export function heatColor(share: number, isDark: boolean): string {
  const [few, many] = isDark ? heatEnds.dark : heatEnds.light;
  const mixed = few.map((part, index) => Math.round(part + ((many[index] ?? 0) - part) * share));
  return `rgb(${mixed.join(" ")})`;
}
