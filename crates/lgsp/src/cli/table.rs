//! Plain tables for people: columns as wide as their widest cell, nothing drawn.

use std::fmt::Write as _;

/// Rows under a heading.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table, each line with its end.
    pub(super) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let start = text.len();
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(text, "{cell:width$}  ");
            }
            text.truncate(start + text[start..].trim_end().len());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_letters_and_lines_end_clean() {
        let mut table = Table::new(&["ĐÍCH", "SEQ", "CAUSE"]);
        table.row(vec!["national-portal".into(), "7".into(), String::new()]);
        table.row(vec!["bưu điện".into(), "12".into(), "timeout".into()]);
        assert_eq!(table.text(), "ĐÍCH             SEQ  CAUSE\nnational-portal  7\nbưu điện         12   timeout\n");
    }
}
