import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { expect, test } from "vitest";
import type { AlertRow } from "../api/types.gen";
import { text } from "../text";
import { AlertDetail } from "./AlertDetail";

const alert: AlertRow = {
  fingerprint: "00000000000000ab",
  state: "firing",
  labels: { alertname: "a" },
  annotations: { runbook: "https://example.org/run", summary: "javascript:alert(1)" },
  since: "2026-08-21T10:00:00Z",
  receivers: [],
  silencedBy: [],
  inhibitedBy: [],
  mutedBy: [],
};

function hrefs(linksToPage: boolean): Array<string | null> {
  const client = new QueryClient();
  client.setQueryData(["boot"], { me: { isReadOnly: true }, isReady: true, paths: [] });
  render(
    <QueryClientProvider client={client}>
      <MemoryRouter>
        <AlertDetail alert={alert} linksToPage={linksToPage} />
      </MemoryRouter>
    </QueryClientProvider>,
  );
  return screen.getAllByRole("link").map((link) => link.getAttribute("href"));
}

test("a list links to the alert's page; the page does not link to itself", () => {
  expect(hrefs(true)).toContain("/alert/00000000000000ab");
  expect(screen.getByText(text.alerts.page)).toBeTruthy();
});

test("on the alert's own page", () => {
  const links = hrefs(false);
  expect(links.some((href) => href?.startsWith("/alert/"))).toBe(false);
  expect(links).toContain("https://example.org/run");
  expect(links.some((href) => href?.startsWith("javascript:"))).toBe(false);
});
