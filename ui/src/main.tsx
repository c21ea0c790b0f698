// Before anything is shown: the prefix, fragments of old links, the theme. Then the frame.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { Failure, servedBelow } from "./api/client";
import "./kit/mantine.css";
import "./kit/app.css";
import { MantineProvider } from "./kit/mantine";
import { apply, useSettings } from "./kit/settings";
import { theme } from "./kit/theme";
import { LiveProvider } from "./live/live";
import { Boundary } from "./shell/Boundary";
import { Frame } from "./shell/Frame";
import { routes } from "./shell/routes";
import { UnknownPage } from "./shell/UnknownPage";
import { isHashLink, understand } from "./url/legacy";
import { split } from "./url/prefix";

const { prefix, path } = split(location.pathname);
if (isHashLink(location.hash)) {
  const link = understand(path, location.search, location.hash);
  const search = link.params.toString();
  history.replaceState(history.state, "", `${prefix}${link.path}${search === "" ? "" : `?${search}`}`);
}
// Somebody pastes such a link where a page is open already: then nothing is loaded anew by itself.
addEventListener("hashchange", () => {
  if (isHashLink(location.hash)) location.reload();
});
servedBelow(prefix);
apply();
if (typeof matchMedia === "function") matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // A refused request stays refused; others are tried once more before the page says so.
      retry: (count, error) => count < 1 && !(error instanceof Failure && error.kind === "refused"),
      retryDelay: 500,
      staleTime: 1000,
      refetchOnWindowFocus: true,
    },
  },
});

function Themed() {
  const settings = useSettings();
  const isDark =
    settings.theme === "dark" || (settings.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <MantineProvider theme={theme} forceColorScheme={isDark ? "dark" : "light"}>
      <Boundary>
        <LiveProvider>
          <BrowserRouter basename={prefix === "" ? "/" : prefix}>
            <Routes>
              <Route element={<Frame />}>
                {routes.map(({ path: pattern, Component }) => (
                  <Route key={pattern} path={pattern} element={<Component />} />
                ))}
                <Route path="/" element={<Navigate to={home} replace />} />
                <Route path="*" element={<UnknownPage />} />
              </Route>
            </Routes>
          </BrowserRouter>
        </LiveProvider>
      </Boundary>
    </MantineProvider>
  );
}

/** Where Alertmanager's external URL leads. */
const home = prefix.endsWith("/alertmanager") ? "/alerts" : "/status";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Themed />
      </QueryClientProvider>
    </StrictMode>,
  );
}
