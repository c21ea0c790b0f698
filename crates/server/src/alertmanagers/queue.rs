//! Alerts that wait to be sent.

use std::collections::VecDeque;

use parking_lot::Mutex;
use rules::SentAlert;
use tokio::sync::Notify;

/// First in, first out; the oldest are given up where there are too many.
pub(super) struct Queue {
    alerts_max: usize,
    waiting: Mutex<Waiting>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct Waiting {
    alerts: VecDeque<SentAlert>,
    /// A batch that was taken is not settled yet.
    is_sending: bool,
}

impl Queue {
    pub(super) fn new(alerts_max: usize) -> Self {
        Self {
            alerts_max: alerts_max.max(1),
            waiting: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// How many had to be given up.
    pub(super) fn push(&self, alerts: impl IntoIterator<Item = SentAlert>) -> usize {
        let mut waiting = self.waiting.lock();
        let mut given_up = 0;
        for alert in alerts {
            if waiting.alerts.len() >= self.alerts_max {
                waiting.alerts.pop_front();
                given_up += 1;
            }
            waiting.alerts.push_back(alert);
        }
        drop(waiting);
        self.filled.notify_one();
        given_up
    }

    /// Waits for alerts; [`Queue::settle`] has to follow.
    pub(super) async fn take(&self, alerts_max: usize) -> Vec<SentAlert> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                let count = waiting.alerts.len().min(alerts_max.max(1));
                if count > 0 {
                    waiting.is_sending = true;
                    return waiting.alerts.drain(..count).collect();
                }
            }
            self.filled.notified().await;
        }
    }

    /// What was taken is sent, or given up.
    pub(super) fn settle(&self) {
        let mut waiting = self.waiting.lock();
        waiting.is_sending = false;
        if waiting.alerts.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.lock().alerts.len()
    }

    /// Waits until nothing waits and nothing is being sent.
    pub(super) async fn drained(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // From here on, no notification is missed.
            emptied.as_mut().enable();
            {
                let waiting = self.waiting.lock();
                if waiting.alerts.is_empty() && !waiting.is_sending {
                    return;
                }
            }
            emptied.await;
        }
    }
}
