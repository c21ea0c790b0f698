import { expect, test } from "vitest";
import { haveOf, whole } from "./delta";

const known = { rows: ["apple", "bean", "cress"], prints: ["a", "b", "c"], matched: 3 };

test("what is known takes its new place among what came", () => {
  const answer = { rows: ["dill"], prints: ["c", "d", "a"], matched: 9 };
  expect(whole(answer, known)).toEqual({ rows: ["cress", "dill", "apple"], prints: ["c", "d", "a"], matched: 9 });
});

test("nothing has changed", () => {
  expect(whole({ rows: [], prints: ["a", "b", "c"], matched: 3 }, known)?.rows).toEqual(known.rows);
});

test("the first answer, and one of a server that leaves nothing out", () => {
  expect(whole({ rows: ["x"], prints: ["p"] }, undefined)?.rows).toEqual(["x"]);
  expect(whole<string, { rows: string[]; prints?: string[] }>({ rows: ["x"] }, known)?.rows).toEqual(["x"]);
});

test.each([
  [["x"], ["a", "b"]],
  [[], ["d"]],
])("what does not fit is asked for anew: %j %j", (rows, prints) => {
  expect(whole({ rows, prints, matched: 1 }, known)).toBeNull();
});

test("what is said to be known", () => {
  expect(haveOf(undefined)).toBe("0");
  expect(haveOf({ rows: [], prints: [] })).toBe("0");
  expect(haveOf(known)).toBe("a,b,c");
  expect(haveOf({ rows: [], prints: Array<string>(400).fill("0123456789ab") })).toBe("0");
});
