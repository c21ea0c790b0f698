//! Deliveries under way: each is a task of its own, and this owns them all.
//!
//! At a stop they are waited for, so that what a receiver took is known at the next start and not sent again.
//! Alertmanager breaks them off instead, and repeats them. Fire drills are waited for likewise; what they wait for
//! themselves ends when a stop begins.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Debug)]
pub(crate) struct Deliveries {
    /// None when no more are started.
    tasks: Mutex<Option<JoinSet<()>>>,
    /// Whether a stop has begun.
    stopping: watch::Sender<bool>,
}

impl Deliveries {
    pub(crate) fn new() -> Self {
        Self {
            tasks: Mutex::new(Some(JoinSet::new())),
            stopping: watch::Sender::new(false),
        }
    }

    /// Ends whatever only waits. What is being delivered goes on.
    pub(crate) fn begin_stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns when a stop begins.
    pub(crate) async fn stop_begins(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender is here, so it cannot be gone.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    }

    /// Not after a stop has begun: nobody would wait for it, and the next start does it.
    pub(crate) fn start(&self, delivery: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = self.tasks.lock().as_mut() {
            // Those that are over, so that the set holds no more than there are under way.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(delivery);
        }
    }

    /// Waits for those that are under way, and breaks off what takes longer. Returns how many that were.
    pub(crate) async fn finish(&self, wait_max: Duration) -> usize {
        self.begin_stop();
        let Some(mut tasks) = self.tasks.lock().take() else {
            return 0;
        };
        let all = async { while tasks.join_next().await.is_some() {} };
        // If time is up, the rest is still in there.
        let _ = tokio::time::timeout(wait_max, all).await;
        tasks.len()
    }
}

/// Runs in a task of its own, which ends when nobody waits for it. An error is a panic in there.
pub(crate) async fn apart<T: Send + 'static>(
    attempt: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    let mut tasks = JoinSet::new();
    tasks.spawn(attempt);
    match tasks.join_next().await {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("it was not started".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// More than any test takes.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_stop_waits_for_those_under_way_and_no_longer() {
        let deliveries = Arc::new(Deliveries::new());
        let (ended, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        for _ in 0..3 {
            let (ended, go_on) = (Arc::clone(&ended), Arc::clone(&go_on));
            deliveries.start(async move {
                go_on.notified().await;
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        let finishing = tokio::spawn({
            let deliveries = Arc::clone(&deliveries);
            async move { deliveries.finish(LONG).await }
        });
        tokio::task::yield_now().await;
        assert!(!finishing.is_finished());
        for _ in 0..3 {
            go_on.notify_one();
        }
        assert_eq!(finishing.await.unwrap(), 0);
        assert_eq!(ended.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_broken_off_and_nothing_new_starts() {
        let deliveries = Deliveries::new();
        deliveries.start(pending());
        deliveries.start(async {});
        assert_eq!(deliveries.finish(SHORT).await, 1);
        let is_started = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&is_started);
        deliveries.start(async move {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        tokio::task::yield_now().await;
        assert_eq!(is_started.load(Ordering::Relaxed), 0);
        assert_eq!(deliveries.finish(SHORT).await, 0);
    }
}
