//! Flags of Prometheus that command lines may have and that change nothing here.

use super::table::{self, of_server};
use super::{Flag, Takes};

const fn flag(name: &'static str, takes: Takes, default: &'static str, help: &'static str) -> Flag {
    table::flag(name, takes, default, "VALUE", help)
}

const RUNTIME: &str = "Without effect: there is no Go runtime here";
const PAGES: &str = "Without effect: console templates are not built";
const MEASURED: &str = "Without effect: how that is done is decided here";

/// Another value than the default is told at the start.
pub(crate) const WITHOUT_EFFECT: &[Flag] = &[
    flag("auto-gomaxprocs", Takes::Nothing, "true", RUNTIME),
    flag("auto-gomemlimit", Takes::Nothing, "true", RUNTIME),
    flag("auto-gomemlimit.ratio", Takes::Text, "0.9", RUNTIME),
    flag(
        "auto-gomemlimit.refresh-interval",
        Takes::Duration,
        "0s",
        RUNTIME,
    ),
    flag(
        "scrape.adjust-timestamps",
        Takes::Nothing,
        "true",
        "Without effect: scrapes that are a little early or late always get the time that was planned",
    ),
    flag(
        "scrape.timestamp-tolerance",
        Takes::Duration,
        "2ms",
        "Without effect, as above",
    ),
    flag(
        "scrape.discovery-reload-interval",
        Takes::Duration,
        "5s",
        "Without effect: new targets are taken at once",
    ),
    flag(
        "storage.remote.flush-deadline",
        Takes::Duration,
        "1m",
        "Without effect: sending by remote write is not built yet",
    ),
    of_server(flag(
        "storage.tsdb.allow-overlapping-blocks",
        Takes::Nothing,
        "true",
        "Without effect: they always are",
    )),
    of_server(flag(
        "storage.tsdb.allow-overlapping-compaction",
        Takes::Nothing,
        "true",
        "Without effect: blocks that overlap are always merged",
    )),
    of_server(flag(
        "storage.tsdb.block-reload-interval",
        Takes::Duration,
        "1m",
        "Without effect: new blocks in the folder are taken in within a minute",
    )),
    of_server(flag(
        "storage.tsdb.delayed-compaction.max-percent",
        Takes::Number,
        "10",
        MEASURED,
    )),
    of_server(flag(
        "storage.tsdb.head-chunks-write-queue-size",
        Takes::Number,
        "0",
        MEASURED,
    )),
    of_server(flag(
        "storage.tsdb.max-block-chunk-segment-size",
        Takes::Text,
        "0B",
        MEASURED,
    )),
    of_server(flag(
        "storage.tsdb.samples-per-chunk",
        Takes::Number,
        "120",
        MEASURED,
    )),
    flag(
        "web.console.libraries",
        Takes::Text,
        "console_libraries",
        PAGES,
    ),
    flag("web.console.templates", Takes::Text, "consoles", PAGES),
    flag("web.user-assets", Takes::Text, "", PAGES),
    flag(
        "web.page-title",
        Takes::Text,
        "Prometheus Time Series Collection and Processing Server",
        "Without effect: pages have the titles of what they show",
    ),
    flag(
        "write-documentation",
        Takes::Nothing,
        "",
        "Without effect; see --help",
    ),
];
