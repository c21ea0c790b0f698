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
