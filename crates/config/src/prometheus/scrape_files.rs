//! `scrape_config_files`: jobs in files of their own.

use std::collections::BTreeMap;

use diag::{Diagnostic, Diagnostics, Source};
use yaml::Reading;

use super::load::Config;
use super::refusals::Refusals;
use super::scrape::{Listed, ScrapeConfig, sections};
use crate::files::{FileReader, LoadError, join_path};
use crate::quote::quote;
use crate::section::read_section;

section! {
    struct ScrapeFile: "config.ScrapeConfigs" {
        ["scrape_configs"] scrape_configs: Vec<Listed<ScrapeConfig>>,
    }
}

impl Config {
    /// All jobs: those of the main file and those of the files it names, which must not repeat a name.
    pub fn all_scrape_configs(
        &self,
        files: &dyn FileReader,
    ) -> Result<Vec<ScrapeConfig>, LoadError> {
        let mut problems = Diagnostics::new();
        let mut jobs = self.scrape_configs.clone();
        let mut first_found: BTreeMap<String, String> = jobs
            .iter()
            .map(|job| (job.job_name.clone(), "main config file".to_owned()))
            .collect();
        for pattern in &self.scrape_config_files {
            let paths = match files.glob(pattern) {
                Ok(paths) => paths,
                Err(problem) => {
                    let message = format!(
                        "error retrieving scrape config files for {}: {problem}",
                        quote(pattern)
                    );
                    problems.push(Diagnostic::error("scrape-config-file", message));
                    continue;
                }
            };
            for path in paths {
                match files.read(&path) {
                    Ok(text) => {
                        let source = Source::new(path.clone(), text);
                        let more = self.read_file(&source, &path, &mut first_found, &mut problems);
                        jobs.extend(more);
                    }
                    Err(problem) => {
                        let message = format!("{}: {problem}", quote(&path));
                        problems.push(Diagnostic::error("scrape-config-file", message));
                    }
                }
            }
        }
        if problems.has_errors() {
            Err(LoadError {
                diagnostics: problems,
            })
        } else {
            Ok(jobs)
        }
    }

    fn read_file(
        &self,
        source: &Source,
        path: &str,
        first_found: &mut BTreeMap<String, String>,
        problems: &mut Diagnostics,
    ) -> Vec<ScrapeConfig> {
        let Some(node) = yaml::parse(source, problems) else {
            return Vec::new();
        };
        if node.is_null() {
            return Vec::new();
        }
        let mut reading = Reading::new(source);
        let file: ScrapeFile = read_section(&node, &mut reading).unwrap_or_default();
        problems.extend(reading.finish());
        let mut refusals = Refusals::with_prefix(source, format!("{}: ", quote(path)));
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let jobs = sections(
            file.scrape_configs,
            "scrape config",
            &mut refusals,
            |job, refusals| {
                job.complete(&self.global, refusals);
                if let Some(first) = first_found.get(&job.job_name) {
                    let message = format!(
                        "found multiple scrape configs with job name {}, first found in {first}",
                        quote(&job.job_name)
                    );
                    refusals.refuse(
                        job.place.0,
                        "job-name-repeated",
                        message,
                        "rename one of the jobs",
                    );
                }
                first_found.insert(job.job_name.clone(), quote(path));
                crate::section::Field::visit_paths(job, &mut |path| {
                    *path = join_path(folder, path)
                });
            },
        );
        problems.extend(refusals.finish());
        jobs
    }
}
