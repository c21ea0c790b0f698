// How many alerts a silence has kept from being told so far.
import type { SilenceRow } from "../../api/types.gen";
import { formatCount } from "../format";

/** With a plus if there were more than are told apart. */
export function stoppedText({ stopped, stoppedIsLeast }: Pick<SilenceRow, "stopped" | "stoppedIsLeast">): string {
  return `${formatCount(stopped)}${stoppedIsLeast ? "+" : ""}`;
}
