//! The table of suites. One file per suite.

use anyhow::bail;

use crate::suite::Suite;

mod alertmanager;
mod alertmanager_config;
mod alertmanager_matchers;
mod alertmanager_timeintervals;
mod api;
mod chunks;
mod config;
mod notation;
mod operator;
mod parser;
mod pending;
mod promql;
mod promtool;
mod relabel;
mod remote;
mod rules;
mod show;
mod template;
mod textparse;
mod tsdb;
mod wal;

/// All suites, in the order of the printed table.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "alertmanager/alerts",
        load: alertmanager::alerts::load,
    },
    Suite {
        name: "alertmanager/amtool",
        load: alertmanager::amtool::load,
    },
    Suite {
        name: "alertmanager/api",
        load: alertmanager::api::load,
    },
    Suite {
        name: "alertmanager/config",
        load: alertmanager_config::load,
    },
    Suite {
        name: "alertmanager/inhibition",
        load: alertmanager::inhibition::load,
    },
    Suite {
        name: "alertmanager/matchers",
        load: alertmanager_matchers::load,
    },
    Suite {
        name: "alertmanager/notify",
        load: alertmanager::notify::load,
    },
    Suite {
        name: "alertmanager/routes",
        load: alertmanager::routes::load,
    },
    Suite {
        name: "alertmanager/scenarios",
        load: alertmanager::scenarios::load,
    },
    Suite {
        name: "alertmanager/storage",
        load: alertmanager::storage::load,
    },
    Suite {
        name: "alertmanager/templates",
        load: alertmanager::templates::load,
    },
    Suite {
        name: "alertmanager/timeintervals",
        load: alertmanager_timeintervals::load,
    },
    Suite {
        name: "api",
        load: api::load,
    },
    Suite {
        name: "chunks",
        load: chunks::load,
    },
    Suite {
        name: "config",
        load: config::load,
    },
    Suite {
        name: "operator",
        load: operator::load,
    },
    Suite {
        name: "parser",
        load: parser::load,
    },
    Suite {
        name: "promql",
        load: promql::load,
    },
    Suite {
        name: "promtool",
        load: promtool::load,
    },
    Suite {
        name: "relabel",
        load: relabel::load,
    },
    Suite {
        name: "remote",
        load: remote::load,
    },
    Suite {
        name: "rules",
        load: rules::load,
    },
    Suite {
        name: "template",
        load: template::load,
    },
    Suite {
        name: "textparse",
        load: textparse::load,
    },
    Suite {
        name: "thanos",
        load: pending::thanos,
    },
    Suite {
        name: "tsdb",
        load: tsdb::load,
    },
    Suite {
        name: "wal",
        load: wal::load,
    },
];

/// The suites that were asked for: those of that name and those below it; all if none was named.
pub(crate) fn select(names: &[String]) -> anyhow::Result<Vec<Suite>> {
    if names.is_empty() {
        return Ok(SUITES.to_vec());
    }
    let below = |suite: &Suite, name: &str| {
        suite.name == name
            || suite
                .name
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    for name in names {
        if !SUITES.iter().any(|suite| below(suite, name)) {
            let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            bail!("no suite {name}; there are: {}", known.join(", "));
        }
    }
    Ok(SUITES
        .iter()
        .filter(|suite| names.iter().any(|name| below(suite, name)))
        .copied()
        .collect())
}
