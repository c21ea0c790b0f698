//! At a start: what the journal says about alerts that silences have kept from being told, so that a restart does not
//! count from nothing.

use std::sync::Arc;

use alerting::journal::{Id, Kind, Order, Query, Request, detail};
use model::Timestamp;

use super::Alertmanager;

/// Records that are counted under one lock of the machine.
const PAGE: usize = 2000;
/// The code of an alert that silences have kept from being told.
const SILENCED: &str = "alert-silenced";

impl Alertmanager {
    /// Ends when all is counted, or with the task, between two pages.
    pub(crate) async fn count_stopped(self: Arc<Self>) {
        let first = {
            let machine = self.machine.lock();
            let starts = machine.all_silences().iter();
            starts.map(|stored| stored.silence.starts_at).min()
        };
        let Some(from) = first.map(alerting::Time::timestamp) else {
            return;
        };
        let to = self.clock.now();
        let mut cursor = None;
        loop {
            let alertmanager = Arc::clone(&self);
            let page = move || alertmanager.count_page(from, to, cursor);
            // A panic in there is logged by the runtime; then less is counted.
            match tokio::task::spawn_blocking(page).await {
                Ok(Some(next)) => cursor = Some(next),
                _ => return,
            }
        }
    }

    fn count_page(&self, from: Timestamp, to: Timestamp, cursor: Option<Id>) -> Option<Id> {
        let page = self.journal.read(&Request {
            query: Query {
                from,
                to,
                codes: vec![SILENCED.to_owned()],
                kinds: vec![Kind::Alert],
                ..Query::default()
            },
            order: Order::OldestFirst,
            cursor,
            limit: PAGE,
        });
        let mut machine = self.machine.lock();
        for (_, record) in &page.records {
            for silence in record.detail(detail::SILENCES).split(',') {
                if let Some(subject) = &record.subject {
                    machine.restore_stopped(silence, subject.fingerprint);
                }
            }
        }
        page.next
    }
}
