// Expressions that were run, newest first, in this browser.

const place = "keepwatch.expressions";
const countMax = 100;
const lengthMax = 5000;

export function remembered(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
    return Array.isArray(stored) ? stored.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}

export function remember(expression: string): void {
  if (expression === "" || expression.length > lengthMax) return;
  const rest = remembered().filter((other) => other !== expression);
  try {
    localStorage.setItem(place, JSON.stringify([expression, ...rest].slice(0, countMax)));
  } catch {
    // No storage: then there is no history.
  }
}
