// What screen readers are told of something that moves by itself: in few words, and at most every 10 seconds. What
// comes faster is told in one.
import { useEffect, useRef, useState } from "react";
import { text } from "../text";

const everyMs = 10_000;

interface AnnouncerProps {
  /** In one sentence, such as "12 of 30 rows". */
  counts: string;
  /** Of what is counted, where new ones are told. */
  keys?: readonly string[];
  /** What `keys` answer; those of another question are not new. */
  question?: string;
}

interface Said {
  at: number;
  counts: string;
  question: string;
  keys: ReadonlySet<string>;
}

const noKeys: readonly string[] = [];

export function Announcer({ counts, keys = noKeys, question = "" }: AnnouncerProps) {
  const [sentence, setSentence] = useState("");
  const newest = useRef({ counts, keys, question });
  newest.current = { counts, keys, question };
  const last = useRef<Said | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is said is what is newest then
  useEffect(() => {
    if (timer.current !== undefined) return;
    const say = () => {
      timer.current = undefined;
      const { counts, keys, question } = newest.current;
      const before = last.current;
      const isSameQuestion = before?.question === question;
      const added = isSameQuestion ? keys.filter((key) => !before.keys.has(key)).length : 0;
      const isNews = before?.counts !== counts || !isSameQuestion || added > 0;
      last.current = { at: isNews ? Date.now() : before.at, counts, question, keys: new Set(keys) };
      if (isNews) setSentence(added > 0 ? text.announced(counts, added) : counts);
    };
    const waitMs = last.current === null ? 0 : last.current.at + everyMs - Date.now();
    if (waitMs > 0) timer.current = setTimeout(say, waitMs);
    else say();
  }, [counts, keys, question]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );

  return (
    <p className="visually-hidden" role="status">
      {sentence}
    </p>
  );
}
