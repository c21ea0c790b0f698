//! `template render`.

use ::amtool::Failure;
use ::amtool::template::{Flavour, Rendering, render};
use ::promtool::Console;
use ::promtool::console::read_text;
use clap::Command;

use super::given::Given;
use super::{now, output_beyond_peer, value, values};

pub(super) fn command() -> Command {
    Command::new("template")
        .about("Render template files.")
        .subcommand_required(true)
        .subcommand(
            Command::new("render")
                .about("Render a given definition in a template file to standard output.")
                .arg(values(
                    "template.glob",
                    "Glob of paths that will be expanded and used for rendering.",
                ))
                .arg(value("template.text", "The template that will be rendered."))
                .arg(value(
                    "template.type",
                    "The type of the template. Can be either text (default) or html.",
                ))
                .arg(value(
                    "template.data",
                    "Full path to a file which contains the data of the alert(-s) with which the --template.text will be rendered. Must be in JSON, of the form of a webhook's body. If none has been specified then a predefined, simple alert will be used for rendering.",
                )),
        )
}

pub(super) fn run(given: Given<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    let data = match given.text("template.data") {
        "" => None,
        file => Some(read_text(file)?),
    };
    let rendering = Rendering {
        globs: &given.texts("template.glob"),
        text: given.text("template.text"),
        flavour: match given.text("template.type") {
            "html" => Flavour::Html,
            _ => Flavour::Text,
        },
        data: data.as_deref(),
        now: now(),
    };
    render(console, output_beyond_peer(given), &rendering)
}
