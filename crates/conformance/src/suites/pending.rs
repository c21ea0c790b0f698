//! Suites that no code of ours answers yet: their cases are counted and fail, so that the table shows
//! the whole distance.

use std::path::Path;

use crate::suite::{Case, json_lines};

fn fail(id: String) -> Case {
    Case::new(id, || {
        Err("nothing of ours answers this suite yet".to_owned())
    })
}

/// One failing case per line of each file.
fn lines(dir: &Path, files: &[&str]) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for file in files {
        cases.extend(
            json_lines(&dir.join(file))?
                .into_iter()
                .map(|(line, _)| fail(format!("{file}:{line}"))),
        );
    }
    Ok(cases)
}

pub(crate) fn thanos(dir: &Path) -> anyhow::Result<Vec<Case>> {
    lines(
        dir,
        &[
            "thanos/dedup_samples.jsonl",
            "thanos/dedup_overlap_split.jsonl",
            "thanos/counter_resets.jsonl",
            "thanos/downsample.jsonl",
            "thanos/store_series_rate.jsonl",
            "thanos/tenancy_query.jsonl",
            "thanos/tenancy_http.jsonl",
            "thanos/tenancy_silences.jsonl",
            "thanos/tenancy_rules_alerts.jsonl",
            "thanos/rules_dedup.jsonl",
            "thanos/auth_proxy.jsonl",
        ],
    )
}
