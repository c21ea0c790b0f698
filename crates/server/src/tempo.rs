//! Intervals cut to seconds, so that a demonstration shows in seconds what takes minutes.

use config::prometheus::{Global, ScrapeConfig};
use model::Duration;

use crate::options::{Options, Tempo};

/// Scrapes, evaluations and discovery refreshes happen at least this often.
const INTERVAL_MAX: Duration = Duration::from_secs(1);
pub(crate) const GROUP_WAIT_MAX: Duration = Duration::from_secs(1);
pub(crate) const GROUP_INTERVAL_MAX: Duration = Duration::from_secs(3);
pub(crate) const REPEAT_INTERVAL_MAX: Duration = Duration::from_secs(300);
const RESEND_DELAY_MAX: Duration = Duration::from_secs(5);

pub(crate) fn shorten_global(global: &mut Global) {
    global.evaluation_interval = global.evaluation_interval.min(INTERVAL_MAX);
}

pub(crate) fn shorten_job(job: &mut ScrapeConfig) {
    job.scrape_interval = job.scrape_interval.min(INTERVAL_MAX);
    job.scrape_timeout = job.scrape_timeout.min(job.scrape_interval);
    for http in &mut job.discoveries.http.0 {
        http.refresh_interval = http.refresh_interval.min(INTERVAL_MAX);
    }
}

/// With intervals cut to seconds, alerts are sent again in seconds too.
pub(crate) fn resend_delay(options: &Options) -> Duration {
    match options.tempo {
        Tempo::Real => options.rules.resend_delay,
        Tempo::Shortened => options.rules.resend_delay.min(RESEND_DELAY_MAX),
    }
}
