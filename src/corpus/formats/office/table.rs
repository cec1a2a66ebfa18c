//! Rows of a table as lines that can be understood alone: each cell with the name of its column.

/// Rows further down than this are no longer taken for the names of the columns.
const MAX_ROWS_ABOVE_NAMES: usize = 12;
/// A longer text is not the name of a column.
const MAX_NAME_BYTES: usize = 120;
/// Names are not repeated in every row where that makes a large table this many times as long.
const MAX_GROWTH: usize = 8;
const LARGE_BYTES: usize = 64 << 10;

/// A row that has text in some cells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row {
    /// Where it stands in the file.
    pub(super) place: u32,
    /// Column and text, by column, without empty ones.
    pub(super) cells: Vec<(u32, String)>,
    /// Whether an empty row is before it.
    pub(super) is_parted: bool,
}

impl Row {
    /// The text in this column.
    pub(super) fn cell(&self, column: u32) -> Option<&str> {
        let index = self.cells.binary_search_by_key(&column, |(column, _)| *column).ok()?;
        Some(&self.cells[index].1)
    }

    /// The cells between bars, without names.
    fn plain(&self) -> String {
        let mut line = String::new();
        for (index, (_, text)) in self.cells.iter().enumerate() {
            if index > 0 {
                line.push_str(" | ");
            }
            line.push_str(text);
        }
        line
    }
}

/// A line for each row, with its place. The columns are named by the first `named_by` rows, or, where that is 0, by the row
/// that looks as if it did, if there is one.
pub(super) fn lines(rows: &[Row], named_by: usize) -> Vec<(u32, String)> {
    lines_below(rows, named_by, &mut None)
}

/// The same; where no row names the columns, those of the `names` from before do, if every cell stands under one.
pub(super) fn lines_below(rows: &[Row], named_by: usize, names: &mut Option<Row>) -> Vec<(u32, String)> {
    let (from, names_end) = match named_by {
        0 => match find_names(rows) {
            // Under names from before, only numbers tell that there are new ones.
            Some((at, by_numbers)) if by_numbers || !fits_under(rows, names.as_ref()) => (at, at + 1),
            _ if fits_under(rows, names.as_ref()) => (0, 0),
            _ => {
                *names = None;
                (0, rows.len())
            }
        },
        _ => (0, named_by.min(rows.len())),
    };
    if names_end > from && names_end < rows.len() {
        *names = Some(joined(&rows[from..names_end]));
    }
    let mut lines: Vec<_> = rows[..names_end].iter().map(|row| (row.place, row.plain())).collect();
    let Some(names) = names.as_ref().filter(|_| repeats_pay(&rows[names_end..], names.as_ref())) else {
        lines.extend(rows[names_end..].iter().map(|row| (row.place, row.plain())));
        return lines;
    };
    lines.extend(rows[names_end..].iter().map(|row| (row.place, with_names(row, names))));
    lines
}

/// Names that stand in several rows, one above the other.
fn joined(rows: &[Row]) -> Row {
    let mut names = rows.first().cloned().unwrap_or_default();
    for row in rows.iter().skip(1) {
        for (column, text) in &row.cells {
            match names.cells.binary_search_by_key(column, |(column, _)| *column) {
                Ok(index) if names.cells[index].1 == *text => {}
                Ok(index) => names.cells[index].1 = format!("{} {text}", names.cells[index].1),
                Err(index) => names.cells.insert(index, (*column, text.clone())),
            }
        }
    }
    names
}

fn with_names(row: &Row, names: &Row) -> String {
    // One cell in a wide row stands over the rows below it, and a row of names may come again on every page.
    if row.cells.len() == 1 && names.cells.len() > 2 || row.cells == names.cells {
        return row.plain();
    }
    let mut line = String::new();
    let mut names = names.cells.iter().peekable();
    for (column, text) in &row.cells {
        if !line.is_empty() {
            line.push_str(" | ");
        }
        while names.next_if(|(named, _)| named < column).is_some() {}
        if let Some((_, name)) = names.peek().filter(|(named, _)| named == column) {
            line.push_str(name.trim_end_matches([':', ' ']));
            line.push_str(": ");
        }
        line.push_str(text);
    }
    line
}

fn repeats_pay(rows: &[Row], names: Option<&Row>) -> bool {
    let bytes = |row: &Row| row.cells.iter().map(|(_, text)| text.len() + 3).sum::<usize>();
    let with = names.map_or(0, bytes).saturating_mul(rows.len());
    with <= LARGE_BYTES || with / MAX_GROWTH <= rows.iter().map(bytes).sum::<usize>()
}

fn fits_under(rows: &[Row], names: Option<&Row>) -> bool {
    names.is_some_and(|names| rows.iter().flat_map(|row| &row.cells).all(|(column, _)| names.cell(*column).is_some()))
}

/// The row that names the columns: the first one that fills most of the width with short texts, above rows that differ.
/// And whether numbers under texts tell it.
fn find_names(rows: &[Row]) -> Option<(usize, bool)> {
    let width = rows.iter().map(|row| row.cells.len()).max()?;
    if width < 2 {
        return None;
    }
    let candidates = rows.iter().enumerate().take(MAX_ROWS_ABOVE_NAMES.min(rows.len() - 1));
    let (at, _) = candidates.skip_while(|(_, row)| row.cells.len() < 2 || row.cells.len() * 5 < width * 3).next()?;
    names_columns(&rows[at], &rows[at + 1..]).map(|by_numbers| (at, by_numbers))
}

fn names_columns(row: &Row, below: &[Row]) -> Option<bool> {
    let texts: Vec<&str> = row.cells.iter().map(|(_, text)| text.as_str()).collect();
    let is_name = |text: &str| text.len() <= MAX_NAME_BYTES && (!is_value(text) || is_year(text));
    if !texts.iter().all(|text| is_name(text)) || texts.iter().all(|text| is_year(text)) {
        return None;
    }
    let mut distinct = texts.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() * 3 < texts.len() * 2 {
        return None;
    }
    // A pair of columns may well be names and values side by side: there, only numbers below tell.
    let numbers_below = row.cells.iter().any(|(column, _)| {
        let values: Vec<_> = below.iter().take(50).filter_map(|row| row.cell(*column)).collect();
        !values.is_empty() && values.iter().filter(|value| is_value(value)).count() * 2 > values.len()
    });
    (texts.len() >= 3 || numbers_below).then_some(numbers_below)
}

/// A number, an amount, a share or a date.
fn is_value(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    digits > 0 && (letters == 0 || digits > letters)
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse().is_ok_and(|year: u16| (1900..2100).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rows: &[&[&str]]) -> Vec<String> {
        let row = |(index, cells): (usize, &&[&str])| Row {
            place: index as u32 + 1,
            cells: (0..)
                .zip(cells.iter())
                .filter(|(_, it)| !it.is_empty())
                .map(|(at, it)| (at, it.to_string()))
                .collect(),
            is_parted: false,
        };
        let rows: Vec<Row> = rows.iter().enumerate().map(row).filter(|row| !row.cells.is_empty()).collect();
        lines(&rows, 0).into_iter().map(|(place, line)| format!("{place} {line}")).collect()
    }

    #[test]
    fn rows_carry_the_names_of_their_columns() {
        assert_eq!(
            shown(&[&["Cups"], &["Team", "Place", "2021"], &["Blues", "STL", "1"], &["West"], &["Leafs", "", "13"]]),
            [
                "1 Cups",
                "2 Team | Place | 2021",
                "3 Team: Blues | Place: STL | 2021: 1",
                "4 West",
                "5 Team: Leafs | 2021: 13"
            ]
        );
        assert_eq!(shown(&[&["Name", "Age"], &["Ada", "36"]]), ["1 Name | Age", "2 Name: Ada | Age: 36"]);
    }

    #[test]
    fn names_and_values_side_by_side_are_left_as_they_are() {
        assert_eq!(shown(&[&["Name", "Ada"], &["Town", "Bath"]]), ["1 Name | Ada", "2 Town | Bath"]);
        assert_eq!(shown(&[&["1", "2"], &["3", "4"]]), ["1 1 | 2", "2 3 | 4"]);
        assert_eq!(shown(&[&["a", "b", "c"]]), ["1 a | b | c"]);
    }

    #[test]
    fn long_names_are_not_repeated_without_end() {
        let name = "n".repeat(100);
        let names = [name.as_str(), "b", "c"];
        let mut rows: Vec<&[&str]> = vec![&names];
        rows.extend(std::iter::repeat_n(["1", "2", "3"].as_slice(), 2000));
        assert_eq!(shown(&rows)[9], "10 1 | 2 | 3");
    }
}
