import { expect, test } from "vitest";
import { placeOf } from "../../kit/ConfigText";
import { problemsOf } from "./problems";

test("problems have their lines, and those without a place are told too", () => {
  const message = 'config:3:5: receiver "pgaer" is not defined (pager?)\nconfig:10:1: unknown key\nno route\n';
  expect(problemsOf(message)).toEqual([
    { line: 3, column: 5, message: 'receiver "pgaer" is not defined (pager?)' },
    { line: 10, column: 1, message: "unknown key" },
    { line: null, column: 1, message: "no route" },
  ]);
});

test.each([
  ["a\nbc\nd", 2, 2, "c"],
  ["a\nbc\nd", 3, 1, "d"],
  ["a\nbc\nd", 1, 9, ""],
  ["a\n", 9, 1, ""],
  ["", 1, 1, ""],
])("%j at %d:%d is %j", (text, line, column, found) => expect(text.slice(...placeOf(text, line, column))).toBe(found));
