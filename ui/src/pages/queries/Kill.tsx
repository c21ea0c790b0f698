// Ending a query, after showing which, and the command that does the same.
import { act, urlOf } from "../../api/client";
import type { ActiveQuery } from "../../api/types.gen";
import { Confirm } from "../../kit/Confirm";
import { text } from "../../text";

const words = text.explore.queries;

interface KillProps {
  query: ActiveQuery | null;
  onClose: () => void;
  onDone: () => void;
}

export function Kill({ query, onClose, onDone }: KillProps) {
  const path = `/api/keepwatch/v1/queries/${query?.id ?? ""}`;
  return (
    <Confirm
      opened={query !== null}
      title={words.killTitle}
      action={words.kill}
      command={`curl -X DELETE ${new URL(urlOf(path), location.href).href}`}
      run={() => act(path, "DELETE")}
      onClose={onClose}
      onDone={onDone}
    >
      <p>{words.killAbout}</p>
      <pre>{query?.query.slice(0, 2000)}</pre>
    </Confirm>
  );
}
