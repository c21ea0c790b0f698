//! `check-config`: whether an Alertmanager would load these files.

use std::io::IsTerminal;
use std::path::Path;

use config::alertmanager::{Config, LoadOptions, Route, load};
use diag::Source;
use notify::Templates;
use promtool::Console;
use promtool::console::go_file_error;
use server::pieces::{failing_templates, folder_of, template_files, template_problem};

use crate::failure::Failure;
use crate::matchers::Reader;

const STANDARD_INPUT: &str = "/dev/stdin";

/// Checks files, or standard input if there are none.
pub fn check_configs(
    console: &mut Console<'_>,
    files: &[String],
    reader: Reader,
) -> Result<(), Failure> {
    let input = [STANDARD_INPUT.to_owned()];
    let files = if files.is_empty() {
        if std::io::stdin().is_terminal() {
            return Err(Failure::Short(
                "Failed to read from standard input".to_owned(),
            ));
        }
        &input
    } else {
        files
    };
    let mut failed = 0;
    for file in files {
        console.print(format_args!("Checking '{file}'"));
        let source = read_file(file);
        let loaded = source.and_then(|source| {
            let config = load_text(console, source.clone(), reader)?;
            Ok((source, config))
        });
        match loaded {
            Ok((source, config)) => {
                console.line("  SUCCESS");
                if !describe(console, &source, &config) {
                    failed += 1;
                }
            }
            Err(problem) => {
                console.line(format_args!("  FAILED: {problem}"));
                failed += 1;
            }
        }
        console.line("");
    }
    if failed > 0 {
        return Err(format!("failed to validate {failed} file(s)").into());
    }
    Ok(())
}

/// Says what a configuration holds, and whether its templates can be read. Those that will fail are warned of, which
/// the peer does not do.
fn describe(console: &mut Console<'_>, source: &Source, config: &Config) -> bool {
    console.line("Found:");
    console.line(" - global config");
    console.line(" - route");
    console.line(format_args!(
        " - {} inhibit rules",
        config.inhibit_rules.len()
    ));
    console.line(format_args!(" - {} receivers", config.receivers.len()));
    console.line(format_args!(" - {} templates", config.templates.len()));
    match templates(config.templates.iter().map(|pattern| &**pattern)) {
        Ok(templates) => {
            if !config.templates.is_empty() {
                console.line("  SUCCESS");
            }
            for warning in failing_templates(source, &templates).iter() {
                console.problem(format_args!("  WARNING: {}", diag::render_line(warning)));
            }
            true
        }
        Err(problem) => {
            console.line(format_args!("  FAILED: {problem}"));
            false
        }
    }
}

/// The built-in templates and those of files.
pub(crate) fn templates<'p>(
    patterns: impl IntoIterator<Item = &'p str>,
) -> Result<Templates, String> {
    let (files, unreadable) = template_files(patterns);
    if let Some(problem) = unreadable.into_iter().next() {
        return Err(problem);
    }
    let files = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    Templates::new("", files).map_err(|error| error.error.to_string())
}

/// A configuration in a file.
pub(crate) fn load_file(
    console: &mut Console<'_>,
    file: &str,
    reader: Reader,
) -> Result<Config, String> {
    load_text(console, read_file(file)?, reader)
}

fn read_file(file: &str) -> Result<Source, String> {
    let bytes = std::fs::read(file).map_err(|error| go_file_error("open", file, &error))?;
    let text = diag::text_of(bytes).map_err(|problem| problem.to_string())?;
    Ok(Source::new(file, text))
}

/// A configuration, with what is logged about its matchers.
pub(crate) fn load_text(
    console: &mut Console<'_>,
    source: Source,
    reader: Reader,
) -> Result<Config, String> {
    let options = LoadOptions {
        base_dir: &folder_of(Path::new(source.name())),
        matchers: reader.mode,
        template: &template_problem,
    };
    let (config, _) = load(&source, &options).map_err(|error| error.peer_text())?;
    note_route(console, config.route(), reader);
    for rule in &config.inhibit_rules {
        for written in rule.source_written.0.iter().chain(&rule.target_written.0) {
            reader.note_of_file(console, written.text.as_str());
        }
    }
    Ok(config)
}

/// The depth of the file bounds the recursion.
fn note_route(console: &mut Console<'_>, route: &Route, reader: Reader) {
    for written in &route.written.0 {
        reader.note_of_file(console, written.text.as_str());
    }
    for child in route.children() {
        note_route(console, child, reader);
    }
}
