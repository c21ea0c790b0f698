//! Which paths open the web UI: our own, and those of the peers, which stay valid for ever.

/// A path of the web UI. `{name}` stands for one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub path: &'static str,
    /// The page of our own that shows it.
    pub shows: &'static str,
}

const fn page(path: &'static str) -> Page {
    Page { path, shows: path }
}

const fn old(path: &'static str, shows: &'static str) -> Page {
    Page { path, shows }
}

/// Paths of machines (`/metrics`, `/api`, `/-/`, `/federate`, `/debug`, `/version`, `/consoles`, `/user`,
/// `/static`, `/assets`) are never among them.
pub const PAGES: &[Page] = &[
    page("/query"),
    page("/explore/metrics"),
    page("/queries"),
    page("/alerts"),
    page("/alert/{fingerprint}"),
    page("/rules"),
    page("/timeline"),
    page("/silences"),
    page("/silences/new"),
    page("/silences/{id}"),
    page("/silences/{id}/edit"),
    page("/routing"),
    page("/targets"),
    page("/discovery"),
    page("/why"),
    page("/objects"),
    page("/apply"),
    page("/backups"),
    page("/backups/{policy}"),
    page("/backups/run/{id}"),
    page("/stores"),
    page("/blocks"),
    page("/status"),
    page("/storage"),
    page("/config"),
    page("/flags"),
    page("/peers"),
    // Prometheus.
    old("/graph", "/query"),
    old("/classic/graph", "/query"),
    old("/new/graph", "/query"),
    old("/service-discovery", "/discovery"),
    old("/tsdb-status", "/storage"),
    old("/alertmanager-discovery", "/peers"),
    old("/agent", "/status"),
    // Alertmanager and VictoriaMetrics have their pages behind a `#/`.
    old("/alertmanager", "/alerts"),
    old("/alertmanager/", "/alerts"),
    old("/vmui", "/query"),
    old("/vmui/", "/query"),
    // Thanos.
    old("/loaded", "/blocks"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_paths_lead_to_pages_of_our_own_and_none_to_machines() {
        for page in PAGES {
            assert!(
                PAGES
                    .iter()
                    .any(|own| own.path == page.shows && own.path == own.shows),
                "{} shows {}, which is no page",
                page.path,
                page.shows
            );
            for reserved in [
                "/metrics",
                "/federate",
                "/api",
                "/-/",
                "/debug",
                "/version",
                "/consoles",
                "/user",
                "/static",
                "/assets",
            ] {
                assert!(!page.path.starts_with(reserved), "{}", page.path);
            }
        }
    }
}
