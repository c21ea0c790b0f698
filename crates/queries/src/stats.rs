//! Where the time of a query went and how many samples it looked at, in the JSON form that answers and
//! the query log of Prometheus share.

use promql::{QueryStats, StepSamples};
use serde::{Serialize, Serializer};

/// Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// Everything after the queue.
    pub eval_total_time: f64,
    /// Part of the inner evaluation here, so always 0.
    pub result_sort_time: f64,
    /// Reading and checking the text.
    pub query_preparation_time: f64,
    pub inner_eval_time: f64,
    pub exec_queue_time: f64,
    /// From arrival to result.
    pub exec_total_time: f64,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatsDetail {
    #[default]
    Totals,
    /// The samples of each step too.
    PerStep,
}

/// `{"timings": …, "samples": …}`.
#[derive(Clone, Debug, Serialize)]
pub struct StatsTwin {
    timings: Timings,
    samples: SamplesTwin,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SamplesTwin {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    total_queryable_samples_per_step: Vec<StepTwin>,
    total_queryable_samples: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    samples_read_per_step: Vec<StepTwin>,
    samples_read: u64,
    peak_samples: usize,
}

/// `[seconds, samples]`.
#[derive(Clone, Copy, Debug, Serialize)]
struct StepTwin(#[serde(serialize_with = "seconds")] i64, u64);

fn seconds<S: Serializer>(millis: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    if millis % 1000 == 0 {
        return serializer.serialize_i64(millis / 1000);
    }
    #[expect(clippy::cast_precision_loss, reason = "times are below 2^53 ms")]
    serializer.serialize_f64(*millis as f64 / 1000.0)
}

impl StatsTwin {
    pub fn new(stats: &QueryStats, timings: Timings, detail: StatsDetail) -> Self {
        let steps = |count: fn(&StepSamples) -> u64| match detail {
            StatsDetail::Totals => Vec::new(),
            StatsDetail::PerStep => stats
                .per_step
                .iter()
                .map(|step| StepTwin(step.time, count(step)))
                .collect(),
        };
        Self {
            timings,
            samples: SamplesTwin {
                total_queryable_samples_per_step: steps(|step| step.total),
                total_queryable_samples: stats.samples_total,
                samples_read_per_step: steps(|step| step.read),
                samples_read: stats.samples_read,
                peak_samples: stats.samples_peak,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_keys_of_the_peer() {
        let stats = QueryStats {
            samples_total: 6,
            samples_read: 5,
            samples_peak: 4,
            per_step: vec![StepSamples {
                time: 1_704_070_800_500,
                total: 6,
                read: 5,
            }],
        };
        let text = |detail| {
            serde_json::to_string(&StatsTwin::new(&stats, Timings::default(), detail)).unwrap()
        };
        assert_eq!(
            text(StatsDetail::PerStep),
            "{\"timings\":{\"evalTotalTime\":0.0,\"resultSortTime\":0.0,\"queryPreparationTime\":0.0,\
             \"innerEvalTime\":0.0,\"execQueueTime\":0.0,\"execTotalTime\":0.0},\
             \"samples\":{\"totalQueryableSamplesPerStep\":[[1704070800.5,6]],\"totalQueryableSamples\":6,\
             \"samplesReadPerStep\":[[1704070800.5,5]],\"samplesRead\":5,\"peakSamples\":4}}"
        );
        assert!(!text(StatsDetail::Totals).contains("PerStep"));
    }
}
