// Labels as a person writes them: `{a="b", c=d}`, braces and quotes optional.

/** Null if it cannot be read. */
export function parseLabels(text: string): Record<string, string> | null {
  const inner = text.trim().replace(/^\{/, "").replace(/\}$/, "");
  const labels: Record<string, string> = {};
  const pair = /\s*([^=,"\s]+|"(?:[^"\\]|\\.)*")\s*=\s*("(?:[^"\\]|\\.)*"|[^,"]*?)\s*(,|$)/y;
  while (pair.lastIndex < inner.length) {
    if (inner.slice(pair.lastIndex).trim() === "") break;
    const found = pair.exec(inner);
    if (!found?.[1] || found[2] === undefined) return null;
    labels[unquote(found[1])] = unquote(found[2]);
  }
  return labels;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
}
