// Which component shows which page. Each is a chunk of its own.
import { type ComponentType, lazy } from "react";
import { pages } from "../api/pages.gen";

const load = (get: () => Promise<{ default: ComponentType }>) => lazy(get);

const NotThere = load(() => import("../pages/NotThere"));

/** By the pattern of our own page. Pages that are not listed have no back end yet. */
const shown: Record<string, ComponentType> = {
  "/query": load(() => import("../pages/query/QueryPage")),
  "/explore/metrics": load(() => import("../pages/metrics/MetricsPage")),
  "/queries": load(() => import("../pages/queries/QueriesPage")),
  "/alerts": load(() => import("../pages/alerts/AlertsPage")),
  "/alert/{fingerprint}": load(() => import("../pages/alert/AlertPage")),
  "/rules": load(() => import("../pages/rules/RulesPage")),
  "/timeline": load(() => import("../pages/timeline/TimelinePage")),
  "/silences": load(() => import("../pages/silences/SilencesPage")),
  "/silences/new": load(() => import("../pages/silences/NewSilencePage")),
  "/silences/{id}": load(() => import("../pages/silences/SilencePage")),
  "/silences/{id}/edit": load(() => import("../pages/silences/EditSilencePage")),
  "/routing": load(() => import("../pages/routing/RoutingPage")),
  "/targets": load(() => import("../pages/targets/TargetsPage")),
  "/discovery": load(() => import("../pages/discovery/DiscoveryPage")),
  "/why": load(() => import("../pages/why/WhyPage")),
  "/status": load(() => import("../pages/overview/OverviewPage")),
  "/storage": load(() => import("../pages/storage/StoragePage")),
  "/config": load(() => import("../pages/config/ConfigPage")),
  "/flags": load(() => import("../pages/flags/FlagsPage")),
  "/peers": load(() => import("../pages/peers/PeersPage")),
};

/** Every path that the server opens the UI for, in the router's form, with its page. */
export const routes = pages.map((page) => ({
  path: page.path.replace(/\{([^}]*)\}/g, ":$1"),
  Component: shown[page.shows] ?? NotThere,
}));
