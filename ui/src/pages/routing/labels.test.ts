import { expect, test } from "vitest";
import { parseLabels } from "./labels";

test.each([
  ['{a="b", c=d}', { a: "b", c: "d" }],
  ['a="x, y" , "with space"="\\"q\\"\\n"', { a: "x, y", "with space": '"q"\n' }],
  ["a=", { a: "" }],
  ["{}", {}],
  ["a=b,", { a: "b" }],
])("%s", (text, labels) => expect(parseLabels(text)).toEqual(labels));

test.each(["a", '="b"', 'a="b', "a b=c"])("not %s", (text) => expect(parseLabels(text)).toBeNull());
