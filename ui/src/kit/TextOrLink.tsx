// Text that comes from rules, templates or programs: a link if it is one of the web's own schemes, else only text.

export function isLink(value: string): boolean {
  return /^https?:\/\/\S+$/i.test(value);
}

export function TextOrLink({ value }: { value: string }) {
  if (!isLink(value)) return value;
  return (
    <a href={value} target="_blank" rel="noreferrer">
      {value}
    </a>
  );
}
