// One silence of the list, by its id; null if it is not there.
import { useGet } from "../../api/hooks";
import type { SilenceRow } from "../../api/types.gen";

interface Found {
  data: SilenceRow | null | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

export function useSilence(id: string, options: { live: boolean } = { live: true }): Found {
  // Ids are UUIDs; anything else would be another filter.
  const isValid = /^[0-9a-fA-F-]{1,64}$/.test(id);
  const asked = useGet("/api/keepwatch/v1/silences", { q: `@id:${id}` }, { enabled: isValid, ...options });
  const rows = asked.data?.data.rows;
  return {
    data: isValid ? rows && (rows[0] ?? null) : null,
    error: asked.error,
    isPending: isValid && asked.isPending,
    refetch: asked.refetch,
  };
}
