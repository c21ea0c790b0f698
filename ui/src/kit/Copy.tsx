// Copying, only ever by an explicit button, which says whether it worked.
import { useState } from "react";
import { text } from "../text";
import { Icon } from "./Icon";
import { Button } from "./mantine";

/** The clipboard is only there on secure origins; a text field works everywhere. */
export async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = value;
    field.style.position = "fixed";
    field.style.opacity = "0";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export function CopyButton({ value, label }: { value: string | (() => string); label: string }) {
  const [said, setSaid] = useState<string>();
  const copy = async () => {
    const done = await copyText(typeof value === "string" ? value : value());
    setSaid(done ? text.copied : text.notCopied);
    setTimeout(() => setSaid(undefined), 2000);
  };
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<Icon name="copy" size={14} />}
      onClick={() => void copy()}
    >
      <span aria-live="polite">{said ?? label}</span>
    </Button>
  );
}
