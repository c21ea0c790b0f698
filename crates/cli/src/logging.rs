//! Log lines as the peers write them: `time=… level=INFO source=… msg="…" key=value`.

use std::fmt;

use anyhow::bail;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging to standard error. `level` is one of the peers' names.
pub(crate) fn start(level: &str, format: &str) -> anyhow::Result<()> {
    if !matches!(level, "debug" | "info" | "warn" | "error") {
        bail!("--log.level {level:?} is none of debug, info, warn, error");
    }
    let filter = EnvFilter::new(format!("warn,keepwatch={level},{OURS}").replace("LEVEL", level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        "json" => builder.json().try_init(),
        "logfmt" => builder.event_format(Logfmt).try_init(),
        other => bail!("--log.format {other:?} is none of logfmt, json"),
    };
    Ok(())
}

/// Our crates log at the level asked for, libraries only warnings.
const OURS: &str = "net=LEVEL,discovery=LEVEL,scrape=LEVEL,rules=LEVEL,notify=LEVEL,api=LEVEL,server=LEVEL,cli=LEVEL";

struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
        writeln!(
            writer,
            "time={time} level={} source={} msg={}{}",
            metadata.level(),
            metadata.target(),
            quoted(&fields.message),
            fields.others
        )
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others
                .push_str(&format!(" {}={}", field.name(), quoted(&text)));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others
            .push_str(&format!(" {}={}", field.name(), quoted(value)));
    }
}

/// Quotes where a reader would otherwise split the value.
fn quoted(text: &str) -> String {
    let needs_quotes = text.is_empty() || text.contains([' ', '"', '=', '\n', '\t']);
    if needs_quotes {
        model::format::go_quote(text)
    } else {
        text.to_owned()
    }
}
