//! Attempts that fail one like the other are told once: hours of them would hide everything else.

use super::event::Event;

/// What goes on failing, and how often it did since it was told.
struct Streak {
    receiver: String,
    integration: String,
    route_id: String,
    group_key: String,
    failure: String,
    more: usize,
    /// The time of the newest one.
    last: String,
}

/// Lines for people: `TIME  TEXT`.
pub(super) fn lines<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<String> {
    let (mut lines, mut streaks) = (Vec::new(), Vec::<Streak>::new());
    for event in events {
        let known = streaks.iter().position(|streak| streak.is_about(event));
        let failure = failure(event);
        match (known.and_then(|at| streaks.get_mut(at)), &failure) {
            // The next attempt says nothing until it has ended.
            (Some(_), None) if event.code == "delivery-started" => continue,
            (Some(streak), Some(failure)) if streak.failure == *failure => {
                streak.more += 1;
                streak.last = event.clock();
                continue;
            }
            _ => {}
        }
        if let Some(at) = known {
            lines.extend(streaks.swap_remove(at).line());
        }
        if let (Some(failure), Some(group)) = (failure, &event.group) {
            streaks.push(Streak {
                receiver: group.receiver.clone(),
                integration: event.integration.clone().unwrap_or_default(),
                route_id: group.route_id.clone(),
                group_key: group.key.clone(),
                failure,
                more: 0,
                last: event.clock(),
            });
        }
        lines.push(format!("{}  {}", event.clock(), event.line()));
    }
    streaks.sort_by(|a, b| a.last.cmp(&b.last));
    lines.extend(streaks.iter().filter_map(Streak::line));
    lines
}

/// What failed, without how long it took. Other numbers tell problems apart, such as status codes.
fn failure(event: &Event) -> Option<String> {
    let is_failure = matches!(
        event.code.as_str(),
        "delivery-retried" | "alert-delivery-failed"
    );
    let is_time = |word: &str| {
        let number = word.strip_suffix('s').unwrap_or_default();
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    let words = event.detail("message").split(' ');
    is_failure.then(|| {
        words
            .filter(|word| !is_time(word))
            .collect::<Vec<_>>()
            .join(" ")
    })
}

impl Streak {
    /// Whether an event is about the end or the beginning of telling the same integration.
    fn is_about(&self, event: &Event) -> bool {
        let is_attempt = matches!(
            event.code.as_str(),
            "delivery-started"
                | "delivery-retried"
                | "delivery-succeeded"
                | "alert-delivery-failed"
        );
        is_attempt
            && event.integration.as_deref().unwrap_or_default() == self.integration
            && event.group.as_ref().is_some_and(|group| {
                group.receiver == self.receiver
                    && group.route_id == self.route_id
                    && group.key == self.group_key
            })
    }

    fn line(&self) -> Option<String> {
        let (receiver, integration) = (&self.receiver, &self.integration);
        let what = match self.more {
            0 => return None,
            1 => format!("Telling {receiver} by {integration} failed once more like that"),
            more => {
                format!("Telling {receiver} by {integration} failed {more} more times like that")
            }
        };
        Some(format!(
            "{}  {what}; --output=extended shows each.",
            self.last
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Group;
    use super::*;

    /// Events from `SECOND CODE RECEIVER MESSAGE`.
    fn told(text: &str) -> Vec<String> {
        let events: Vec<Event> = text
            .lines()
            .map(|line| {
                let mut words = line.trim().splitn(4, ' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                let (at, code, receiver, message) = (word(), word(), word(), word());
                Event {
                    at,
                    text: format!("{code} {receiver} {message}"),
                    code,
                    group: Some(Group {
                        receiver,
                        ..Group::default()
                    }),
                    integration: Some("webhook".to_owned()),
                    detail: [("message".to_owned(), message)].into(),
                    ..Event::default()
                }
            })
            .collect();
        lines(&events)
    }

    #[test]
    fn equal_failures_are_told_once_for_each_receiver() {
        let lines = told(
            "1 delivery-started a
             2 delivery-retried a timed out after 3s
             2 delivery-started b
             3 delivery-started a
             4 delivery-retried b refused
             5 delivery-retried a timed out after 2.9s
             6 alert-silenced c
             7 alert-delivery-failed a timed out after 1s
             8 delivery-started a
             9 delivery-retried a 500
             9 delivery-started b
             10 delivery-succeeded b",
        );
        assert_eq!(
            lines,
            [
                "1  delivery-started a ",
                "2  delivery-retried a timed out after 3s",
                "2  delivery-started b ",
                "4  delivery-retried b refused",
                "6  alert-silenced c ",
                "7  Telling a by webhook failed 2 more times like that; --output=extended shows each.",
                "9  delivery-retried a 500",
                "10  delivery-succeeded b ",
            ]
        );
    }

    #[test]
    fn another_status_code_is_another_problem() {
        let lines = told(
            "1 delivery-retried a status code 500
             2 delivery-retried a status code 503
             3 delivery-retried a status code 503",
        );
        assert_eq!(
            lines,
            [
                "1  delivery-retried a status code 500",
                "2  delivery-retried a status code 503",
                "3  Telling a by webhook failed once more like that; --output=extended shows each.",
            ]
        );
    }

    #[test]
    fn what_still_fails_is_told_at_the_end() {
        let lines = told("1 delivery-retried a x\n2 delivery-started a\n3 delivery-retried a x");
        assert_eq!(
            lines,
            [
                "1  delivery-retried a x",
                "3  Telling a by webhook failed once more like that; --output=extended shows each.",
            ]
        );
    }
}
