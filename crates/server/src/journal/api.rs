//! The journal as the API reads it.

use alerting::journal::{Page, Request};

use super::Journal;
use super::read::Reader;

impl api::JournalSource for Journal {
    fn read(&self, request: &Request) -> Page {
        Self::read(self, request)
    }
}

impl api::JournalSource for Reader {
    fn read(&self, request: &Request) -> Page {
        Self::read(self, request)
    }
}
