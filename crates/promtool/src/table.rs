//! Columns as Go's `text/tabwriter` lays them out, because scripts cut the peers' tables at these places.

/// How wide columns are.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The least width of a column, padding included.
    pub width_min: usize,
    /// Spaces after the widest text of a column.
    pub padding: usize,
}

/// Rows as text, a line each. Every cell but the last of a row is padded; `Last::Padded` pads that too.
pub fn layout(rows: &[Vec<String>], columns: Columns, last: Last) -> String {
    let width = |text: &str| text.chars().count();
    let is_padded = |row: &[String], at: usize| last == Last::Padded || at + 1 < row.len();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|at| {
            let cells = rows.iter().filter(|row| is_padded(row, at));
            let widest = cells
                .filter_map(|row| row.get(at))
                .map(|cell| width(cell))
                .max();
            (widest.unwrap_or(0) + columns.padding).max(columns.width_min)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        for (at, (cell, column)) in row.iter().zip(&widths).enumerate() {
            text.push_str(cell);
            if is_padded(row, at) {
                text.extend(std::iter::repeat_n(' ', column.saturating_sub(width(cell))));
            }
        }
        text.push('\n');
    }
    text
}

/// What becomes of the last cell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    AsIs,
    Padded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            [["A", "BÄR", "C"], ["long", "b", "c"]].map(|row| row.map(str::to_owned).to_vec());
        let columns = Columns {
            width_min: 4,
            padding: 2,
        };
        assert_eq!(
            layout(&rows, columns, Last::AsIs),
            "A     BÄR  C\nlong  b    c\n"
        );
        assert_eq!(
            layout(&rows, columns, Last::Padded),
            "A     BÄR  C   \nlong  b    c   \n"
        );
        assert_eq!(layout(&[], columns, Last::AsIs), "");
    }
}
