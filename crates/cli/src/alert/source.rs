//! Who is asked for the journal.

use std::path::Path;

use ::amtool::Failure;
use ::promtool::http::{self, Parameters, Server, ServerOptions, success};
use server::OfflineJournal;

use super::event::{Event, Page};
use crate::amtool::given::Given;
use crate::serve;

const PATH: &str = "/api/keepwatch/v1/journal";
/// A long journal is read in so many parts at most; each is 32 MiB or so.
const PAGES_MAX: usize = 64;

pub(super) enum Source {
    Server(Box<Server>),
    Folder(OfflineJournal),
}

/// Events that were found, newest first.
#[derive(Default)]
pub(super) struct Found {
    pub(super) events: Vec<Event>,
    pub(super) damage: Vec<String>,
    pub(super) kept_since: Option<String>,
}

/// The server of `--url`.
pub(crate) fn server(given: Given<'_>) -> Result<Server, Failure> {
    let file = given.text("http.config.file");
    let options = ServerOptions {
        url: given.text("alertmanager.url"),
        config_file: Some(file).filter(|file| !file.is_empty()),
        ..ServerOptions::default()
    };
    Server::new(&options).map_err(Failure::Problem)
}

impl Source {
    pub(super) fn of(given: Given<'_>) -> Result<Self, Failure> {
        match given.text("storage.path") {
            "" => {
                let timeout = given.duration("timeout").to_std();
                let server = server(given)?.with_timeout(timeout);
                Ok(Self::Server(Box::new(server)))
            }
            folder => {
                let opened = OfflineJournal::open(Path::new(folder));
                let journal = opened.map_err(|error| Failure::Problem(error.to_string()))?;
                Ok(Self::Folder(journal))
            }
        }
    }

    fn ask(&self, parameters: &Parameters) -> Result<Page, Failure> {
        let answer = match self {
            Self::Server(server) => server.ask(PATH, parameters),
            Self::Folder(journal) => {
                let path = format!("{PATH}?{}", http::encoded(parameters));
                let runtime =
                    serve::runtime().map_err(|error| Failure::Problem(error.to_string()))?;
                let answer = runtime.block_on(journal.ask(&path));
                answer.and_then(|answer| success(&answer, "no JSON"))
            }
        };
        let answer = answer.map_err(|error| {
            Failure::Problem(format!(
                "asking for the journal: {error}; does --url name a Keepwatch?"
            ))
        })?;
        serde_json::from_value(answer["data"].clone())
            .map_err(|error| Failure::Problem(format!("the answer is no journal: {error}")))
    }

    /// The newest events that the parameters choose, at most `limit`.
    pub(super) fn newest(&self, parameters: &Parameters, limit: usize) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut asked = parameters.clone();
            let missing = limit - found.events.len();
            asked.push(("limit", missing.min(1000).to_string()));
            asked.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = self.ask(&asked)?;
            found.events.extend(page.events);
            found.damage.extend(page.damage);
            found.kept_since = page.kept_since;
            cursor = page.next;
            if cursor.is_none() || found.events.len() >= limit {
                break;
            }
        }
        Ok(found)
    }
}
