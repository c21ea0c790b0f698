//! The thread of the event recorder: takes events from the queue and hands them to the outputs, which are its own.

use std::sync::Arc;
use std::time::Duration;

use alerting::recorder::Envelope;
use tokio::runtime::Handle;

use super::file::FileOutput;
use super::kafka::{self, Format};
use super::output::{Encoded, Output, OutputError};
use super::plan::{Plan, Planned};
use super::reason::OutputRefusal;
use super::{Item, Shared, Surroundings, webhook};

/// How often files are looked at that nothing is written to.
const ROTATION_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    shared: Arc<Shared>,
    surroundings: Surroundings,
    /// What outputs of a network run on.
    runtime: Handle,
    /// That of the outputs.
    plan: Option<Arc<Plan>>,
    outputs: Vec<Output>,
}

enum Step {
    Item(Item),
    /// Nothing has come in for a while.
    Idle,
    End,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, surroundings: Surroundings) -> Self {
        Self {
            shared,
            surroundings,
            runtime: Handle::current(),
            plan: None,
            outputs: Vec::new(),
        }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _last_words = LastWords(Arc::clone(&self.shared));
        loop {
            match self.next() {
                Step::Item(Item::Event(envelope)) => self.write(&envelope),
                Step::Item(Item::Outputs(plan)) => self.change(plan),
                Step::Idle => self.follow_rotation(),
                Step::End => break,
            }
        }
        let outputs = std::mem::take(&mut self.outputs);
        self.close(outputs);
    }

    fn next(&self) -> Step {
        let has_files = self
            .outputs
            .iter()
            .any(|one| matches!(one, Output::File(..)));
        let mut queue = self.shared.queue.lock();
        loop {
            if let Some(item) = queue.items.pop_front() {
                if matches!(item, Item::Event(_)) {
                    queue.events -= 1;
                    self.shared.counters.show_waiting(queue.events);
                }
                return Step::Item(item);
            }
            if queue.is_closing {
                return Step::End;
            }
            if !has_files {
                self.shared.bell.wait(&mut queue);
            } else if self
                .shared
                .bell
                .wait_for(&mut queue, ROTATION_PAUSE)
                .timed_out()
            {
                return Step::Idle;
            }
        }
    }

    fn write(&mut self, envelope: &Envelope) {
        let kind = envelope.event.kind();
        let counters = &self.surroundings.counters;
        let mut encoded = Encoded::new(envelope);
        for output in &mut self.outputs {
            let name = output.name();
            match output.write(&mut encoded) {
                Ok(bytes) => {
                    let recorded = &counters.recorded;
                    recorded.with(&[kind, &name, "success"]).increment();
                    counters.bytes.with(&[kind, &name]).add_count(bytes);
                }
                Err(error) => {
                    if matches!(error, OutputError::Unserializable(_)) {
                        counters.unserializable.with(&[kind]).increment();
                    }
                    let recorded = &counters.recorded;
                    recorded.with(&[kind, &name, "error"]).increment();
                    let problem = error.to_string();
                    tracing::error!(kind, output = &*name, problem, "an event is not recorded");
                    refuse(
                        &self.surroundings,
                        &name,
                        &OutputRefusal::Unwritten { problem },
                    );
                }
            }
        }
    }

    /// Puts other outputs in place, all of them or none. Only a start makes do with those that can be made.
    fn change(&mut self, plan: Arc<Plan>) {
        let is_same = |old: &Arc<Plan>| old.config == plan.config && !plan.has_certificates();
        if self.plan.as_ref().is_some_and(is_same) {
            return;
        }
        let made: Vec<Option<Output>> = plan.outputs.iter().map(|one| self.make(one)).collect();
        let wanted = made.len();
        let outputs: Vec<Output> = made.into_iter().flatten().collect();
        if outputs.len() < wanted && self.plan.is_some() {
            tracing::error!("the outputs of the event recorder stay as they were");
            return self.close(outputs);
        }
        if self.plan.is_some() {
            tracing::info!(
                outputs = outputs.len(),
                "the event recorder has new outputs"
            );
        }
        let old = std::mem::replace(&mut self.outputs, outputs);
        self.plan = Some(plan);
        self.close(old);
    }

    fn make(&self, planned: &Planned) -> Option<Output> {
        match planned {
            Planned::File(path) => {
                let name: Arc<str> = format!("file:{path}").into();
                match FileOutput::open(path) {
                    Ok(file) => Some(Output::File(name, file)),
                    Err(error) => self.not_opened(&name, error.to_string()),
                }
            }
            Planned::Webhook(target) => {
                let target = (**target).clone();
                let queued = webhook::start(target, &self.surroundings, &self.runtime);
                Some(Output::Json(queued))
            }
            Planned::Kafka(topic) => {
                let with = (&self.shared.instance, &self.surroundings);
                match kafka::start(topic, with, &self.runtime) {
                    Ok(queued) => Some(match topic.format {
                        Format::Json => Output::Json(queued),
                        Format::Protobuf => Output::Protobuf(queued),
                    }),
                    Err(problem) => self.not_opened(&topic.name, problem),
                }
            }
            Planned::Stdout => Some(Output::Stdout),
            Planned::Broken => None,
        }
    }

    fn not_opened(&self, output: &str, problem: String) -> Option<Output> {
        tracing::error!(output, problem, "an event output cannot be opened");
        let refusal = OutputRefusal::Unopened { problem };
        refuse(&self.surroundings, output, &refusal);
        None
    }

    /// What they have left is sent meanwhile.
    fn close(&self, outputs: Vec<Output>) {
        let mut closing = self.shared.closing.lock();
        while closing.try_join_next().is_some() {}
        for output in outputs {
            if let Output::Json(queued) | Output::Protobuf(queued) = output {
                closing.spawn_on(queued.close(), &self.runtime);
            }
        }
    }

    fn follow_rotation(&mut self) {
        for output in &mut self.outputs {
            if let Output::File(name, file) = output
                && let Err(error) = file.follow_rotation()
            {
                tracing::warn!(output = &**name, %error, "an event output cannot be opened again");
            }
        }
    }
}

fn refuse(surroundings: &Surroundings, output: &str, refusal: &OutputRefusal) {
    let now = surroundings.clock.now().millis();
    surroundings.reasons.record(now, output, refusal);
}

/// Tells of a panic of the thread: nothing is recorded from then on.
struct LastWords(Arc<Shared>);

impl Drop for LastWords {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut queue = self.0.queue.lock();
        queue.is_closing = true;
        for item in queue.items.drain(..) {
            if let Item::Event(envelope) = item {
                let kind = envelope.event.kind();
                self.0.counters.dropped.with(&[kind]).increment();
            }
        }
        queue.events = 0;
        tracing::error!(
            "the thread of the event recorder has failed; nothing is recorded any more"
        );
    }
}
