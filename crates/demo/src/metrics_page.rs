//! The metrics pages of the stand-in's services.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What the pages show; changed by the demo's commands.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Failed backup actions per namespace. The series exist from the start, at 0: `increase` sees
    /// nothing of a series that is born with the value 1.
    pub(crate) failed_backups: BTreeMap<String, u64>,
    /// Namespaces whose failures have been on a page.
    pub(crate) failures_shown: BTreeSet<String>,
    /// Backups that went well; grows with every page, so that graphs show life.
    pub(crate) completed_backups: u64,
    pub(crate) pages: u64,
}

impl Default for Shown {
    fn default() -> Self {
        let failed_backups = BTreeMap::from([("failed-ns".to_owned(), 0)]);
        Self {
            failed_backups,
            failures_shown: BTreeSet::new(),
            completed_backups: 12,
            pages: 0,
        }
    }
}

impl Shown {
    /// The page of one service in the text format.
    pub(crate) fn page(&mut self, service: &str) -> String {
        self.pages += 1;
        self.completed_backups += u64::from(self.pages.is_multiple_of(60));
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "# HELP k10_pages_served_total Metrics pages served by the stand-in."
        );
        let _ = writeln!(page, "# TYPE k10_pages_served_total counter");
        let _ = writeln!(page, "k10_pages_served_total {}", self.pages);
        match service {
            "catalog-svc" => self.catalog(&mut page),
            "metering-svc" => {
                let _ = writeln!(
                    page,
                    "# HELP metering_license_compliance_status 1 while the licence covers the nodes."
                );
                let _ = writeln!(page, "# TYPE metering_license_compliance_status gauge");
                let _ = writeln!(page, "metering_license_compliance_status 1");
            }
            "events-svc" => {
                let _ = writeln!(
                    page,
                    "# HELP events_service_event_groups Open groups of critical events."
                );
                let _ = writeln!(page, "# TYPE events_service_event_groups gauge");
                let _ = writeln!(page, "events_service_event_groups{{action=\"none\"}} 0");
            }
            "jobs-svc" => {
                let _ = writeln!(page, "# HELP jobs_completed Jobs by status.");
                let _ = writeln!(page, "# TYPE jobs_completed counter");
                let _ = writeln!(
                    page,
                    "jobs_completed{{status=\"succeeded\"}} {}",
                    self.completed_backups
                );
            }
            _ => {
                let _ = writeln!(page, "# HELP exec_active_job_count Jobs that run now.");
                let _ = writeln!(page, "# TYPE exec_active_job_count gauge");
                let _ = writeln!(page, "exec_active_job_count {}", self.pages % 3);
            }
        }
        page
    }

    fn catalog(&mut self, page: &mut String) {
        let _ = writeln!(
            page,
            "# HELP catalog_persistent_volume_free_space_percent Free space of the catalog's volume."
        );
        let _ = writeln!(
            page,
            "# TYPE catalog_persistent_volume_free_space_percent gauge"
        );
        let _ = writeln!(page, "catalog_persistent_volume_free_space_percent 73");
        let _ = writeln!(
            page,
            "# HELP catalog_actions_count Actions in the catalog by type, status, policy and namespace."
        );
        let _ = writeln!(page, "# TYPE catalog_actions_count gauge");
        for (status, namespace, count) in [
            ("complete", "shop", self.completed_backups),
            ("complete", "wiki", 4),
        ] {
            let _ = writeln!(
                page,
                "catalog_actions_count{{type=\"backup\",status=\"{status}\",policy=\"{namespace}-backup\",namespace=\"{namespace}\"}} {count}"
            );
        }
        for (namespace, count) in &self.failed_backups {
            self.failures_shown.insert(namespace.clone());
            let _ = writeln!(
                page,
                "catalog_actions_count{{type=\"backup\",status=\"failed\",policy=\"{namespace}-backup\",namespace=\"{namespace}\"}} {count}"
            );
        }
    }
}
