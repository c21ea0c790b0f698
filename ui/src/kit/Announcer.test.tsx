import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "./Announcer";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const said = () => screen.getByRole("status").textContent;
const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));

test("what comes fast is told at most every ten seconds, and the newest of it", () => {
  const { rerender } = render(<Announcer counts="1 firing" />);
  const heard = [said()];
  for (let second = 1; second <= 60; second += 1) {
    pass(1000);
    rerender(<Announcer counts={`${second} firing`} />);
    if (said() !== heard[heard.length - 1]) heard.push(said());
  }
  expect(heard).toEqual(["1 firing", "9 firing", "19 firing", "29 firing", "39 firing", "49 firing", "59 firing"]);
  pass(10_000);
  expect(said()).toBe("60 firing");
});

test("after a quiet time a change is told at once", () => {
  const { rerender } = render(<Announcer counts="1 firing" />);
  pass(30_000);
  rerender(<Announcer counts="2 firing" />);
  expect(said()).toBe("2 firing");
  rerender(<Announcer counts="3 firing" />);
  expect(said()).toBe("2 firing");
  pass(9_999);
  expect(said()).toBe("2 firing");
  pass(1);
  expect(said()).toBe("3 firing");
});

test("new ones are counted over the whole time, those of another question are not new", () => {
  const { rerender } = render(<Announcer counts="2 firing" keys={["a", "b"]} question="all" />);
  rerender(<Announcer counts="3 firing" keys={["a", "b", "c"]} question="all" />);
  pass(5000);
  rerender(<Announcer counts="3 firing" keys={["b", "c", "d"]} question="all" />);
  pass(5000);
  expect(said()).toBe("3 firing, 2 new");
  pass(10_000);
  rerender(<Announcer counts="1 firing" keys={["x"]} question="some" />);
  expect(said()).toBe("1 firing");
});

test("what comes and goes within the time is not told", () => {
  const { rerender } = render(<Announcer counts="2 firing" keys={["a", "b"]} />);
  rerender(<Announcer counts="3 firing" keys={["a", "b", "c"]} />);
  rerender(<Announcer counts="2 firing" keys={["a", "b"]} />);
  pass(20_000);
  expect(said()).toBe("2 firing");
});

test("nothing is told of a page that was left", () => {
  const { rerender, unmount } = render(<Announcer counts="1 firing" />);
  rerender(<Announcer counts="2 firing" />);
  unmount();
  expect(vi.getTimerCount()).toBe(0);
});
