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
    old("/classic/alerts", "/alerts"),
    old("/classic/rules", "/rules"),
    old("/classic/targets", "/targets"),
    old("/classic/service-discovery", "/discovery"),
    old("/classic/status", "/status"),
    old("/classic/config", "/config"),
    old("/classic/flags", "/flags"),
    old("/classic/tsdb-status", "/storage"),
    old("/new/alerts", "/alerts"),
    old("/new/rules", "/rules"),
    old("/new/targets", "/targets"),
    old("/new/service-discovery", "/discovery"),
    old("/new/status", "/status"),
    old("/new/config", "/config"),
    old("/new/flags", "/flags"),
    old("/new/tsdb-status", "/storage"),
    old("/service-discovery", "/discovery"),
    old("/tsdb-status", "/storage"),
    old("/alertmanager-discovery", "/peers"),
    old("/agent", "/status"),
    // VictoriaMetrics has its pages behind a `#/`, as Alertmanager has; see [`ALERTMANAGER`].
    old("/vmui", "/query"),
    old("/vmui/", "/query"),
    // Thanos.
    old("/loaded", "/blocks"),
];

/// Below it, too, is the UI: the external URL of an Alertmanager may lead there alone, through a proxy that knows
/// nothing of the rest. The UI takes it for a prefix.
const ALERTMANAGER: &str = "/alertmanager";

/// Whether a page is meant in another way than by its own path: below [`ALERTMANAGER`], or with a slash behind it, as
/// people type it.
pub(super) fn is_page_otherwise(path: &str) -> bool {
    let below = path
        .strip_prefix(ALERTMANAGER)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if matches!(below, Some("" | "/")) {
        return true;
    }
    // The peer has no such path, and whoever asks it for one is to see that.
    if below == Some("/status") {
        return false;
    }
    let given = below.unwrap_or(path);
    let page = given.strip_suffix('/').unwrap_or(given);
    (below.is_some() || page != given) && PAGES.iter().any(|one| is_of(one.path, page))
}

fn is_of(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given => {}
            (Some(part), Some(given)) if part.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_meant_below_alertmanager_and_with_a_slash() {
        for path in [
            "/alerts/",
            "/silences/new/",
            "/silences/0b9f/edit/",
            "/graph/",
            "/alertmanager",
            "/alertmanager/",
            "/alertmanager/silences",
            "/alertmanager/silences/0b9f/",
        ] {
            assert!(is_page_otherwise(path), "{path}");
        }
        for path in [
            "/alerts",
            "/",
            "//",
            "/alerts//",
            "/metrics/",
            "/silences//edit/",
            "/api/v1/",
            "/alertmanagers",
            "/alertmanager/metrics",
            "/alertmanager/status",
            "/alertmanager/api/v2/nope",
        ] {
            assert!(!is_page_otherwise(path), "{path}");
        }
    }

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
