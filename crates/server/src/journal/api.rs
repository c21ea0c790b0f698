//! The journal as the API reads it.

use alerting::journal::{Page, Request, Sighted, SightedRequest};

use super::Journal;
use super::read::Reader;

impl api::JournalSource for Journal {
    fn read(&self, request: &Request) -> Page {
        Self::read(self, request)
    }

    fn sighted(&self, request: &SightedRequest) -> Sighted {
        Self::sighted(self, request)
    }
}

impl api::JournalSource for Reader {
    fn read(&self, request: &Request) -> Page {
        Self::read(self, request)
    }

    fn sighted(&self, request: &SightedRequest) -> Sighted {
        Self::sighted(self, request)
    }
}
