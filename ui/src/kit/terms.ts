// The filter as a list of terms, for showing chips. What terms mean is the server's business.

/** Splits at spaces outside of quotes and braces, as the server does. A part that is not closed is one term. */
export function splitTerms(filter: string): string[] {
  const terms: string[] = [];
  let term = "";
  let isQuoted = false;
  let isEscaped = false;
  let depth = 0;
  for (const letter of filter) {
    if (/\s/.test(letter) && !isQuoted && depth === 0) {
      if (term !== "") terms.push(term);
      term = "";
      continue;
    }
    if (isEscaped) isEscaped = false;
    else if (letter === "\\" && isQuoted) isEscaped = true;
    else if (letter === '"') isQuoted = !isQuoted;
    else if (letter === "{" && !isQuoted) depth += 1;
    else if (letter === "}" && !isQuoted) depth = Math.max(0, depth - 1);
    term += letter;
  }
  if (term !== "") terms.push(term);
  return terms;
}

export function joinTerms(terms: readonly string[]): string {
  return terms.join(" ");
}

/** The values of an `@key` among the terms. */
export function facetOf(filter: string, key: string): string[] {
  const found = splitTerms(filter).find((term) => term.startsWith(`@${key}:`));
  return found === undefined
    ? []
    : found
        .slice(key.length + 2)
        .replace(/^"|"$/g, "")
        .split(",");
}

/** The filter with an `@key` set to values, or without it. */
export function withFacet(filter: string, key: string, values: readonly string[]): string {
  const rest = splitTerms(filter).filter((term) => !term.startsWith(`@${key}:`));
  if (values.length > 0) {
    const joined = values.join(",");
    rest.push(`@${key}:${/[\s{}]/.test(joined) ? `"${joined}"` : joined}`);
  }
  return joinTerms(rest);
}
