//! What the sender is told about the parts of a request that were not taken.

use super::protocol::MessageType;

/// Problems that are told; of the others only the number.
pub(crate) const TOLD_MAX: usize = 100;
/// Texts longer than this are cut: labels can be long.
pub(crate) const TEXT_BYTES_MAX: usize = 2000;

/// One thing that was not taken. Ordered as the peer finds them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    series: u32,
    row: usize,
    text: String,
}

/// Kept by place, at most [`TOLD_MAX`] of each of two passes.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    told: Vec<Problem>,
    in_pass: usize,
    pub(crate) count: usize,
}

impl Problems {
    /// Samples that storage refuses are found after the others.
    pub(crate) fn next_pass(&mut self) {
        self.in_pass = 0;
    }

    /// Whether the text of the next problem will be used.
    pub(crate) fn has_room(&self) -> bool {
        self.in_pass < TOLD_MAX
    }

    /// `row`: of the batch, for problems of one series among themselves.
    pub(crate) fn add(&mut self, series: u32, row: usize, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.has_room() {
            self.in_pass += 1;
            let text = cut(text());
            self.told.push(Problem { series, row, text });
        }
    }

    /// For version 1 the first one, for version 2 all, as the peer has it. `None` if there are none.
    pub(crate) fn into_text(mut self, message: MessageType) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        self.told.sort();
        let told = match message {
            MessageType::V1 => 1,
            MessageType::V2 => TOLD_MAX,
        };
        self.told.truncate(told);
        let mut lines: Vec<String> = self.told.into_iter().map(|problem| problem.text).collect();
        if message == MessageType::V2 && self.count > lines.len() {
            lines.push(format!("and {} more", self.count - lines.len()));
        }
        Some(lines.join("\n"))
    }
}

/// Cut to [`TEXT_BYTES_MAX`].
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems() -> Problems {
        let mut problems = Problems::default();
        problems.add(2, 0, || "labels of 2".to_owned());
        problems.next_pass();
        problems.add(1, 7, || "sample of 1".to_owned());
        problems.add(2, 8, || "sample of 2".to_owned());
        problems
    }

    #[test]
    fn in_the_order_of_the_request() {
        let text = |message| problems().into_text(message).unwrap();
        assert_eq!(text(MessageType::V1), "sample of 1");
        assert_eq!(
            text(MessageType::V2),
            "sample of 1\nlabels of 2\nsample of 2"
        );
        assert_eq!(Problems::default().into_text(MessageType::V2), None);
    }

    #[test]
    fn bounded() {
        let mut problems = Problems::default();
        for series in 0..1000 {
            problems.add(series, 0, || "ü".repeat(100_000));
        }
        let text = problems.into_text(MessageType::V2).unwrap();
        assert!(text.len() < TOLD_MAX * (TEXT_BYTES_MAX + 10) + 20);
        assert!(text.ends_with("…\nand 900 more"));
    }
}
