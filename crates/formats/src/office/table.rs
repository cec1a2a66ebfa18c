//! Rows of a table as lines that can be understood alone: each cell with the name of its column.

/// Rows further down than this are no longer taken for the names of the columns.
const MAX_ROWS_ABOVE_NAMES: usize = 12;
/// A longer text is not the name of a column.
const MAX_NAME_BYTES: usize = 120;
/// Names are not repeated in every row where that makes a large table this many times as long.
const MAX_GROWTH: usize = 6;
const LARGE_BYTES: usize = 64 << 10;

/// A row that has text in some cells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row {
    /// Where it stands in the file.
    pub(super) location: u32,
    /// Column and text, by column, without empty ones.
    pub(super) cells: Vec<(u32, String)>,
    /// True if an empty row is before it.
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

/// What the columns of a table are called.
#[derive(Debug, Default)]
pub(super) struct Names {
    row: Option<Row>,
    /// True if each row repeats them.
    repeat: bool,
}

/// A line for each row, with its location. The columns are named by the first `named_by` rows, or,
/// where that is 0, by the row that looks as if it did, if there is one.
pub(super) fn lines(rows: &[Row], named_by: usize) -> Vec<(u32, String)> {
    lines_below(rows, named_by, &mut Names::default())
}

/// The same; where no row names the columns, those of the `names` from before do, if the cells
/// stand under them.
pub(super) fn lines_below(rows: &[Row], named_by: usize, names: &mut Names) -> Vec<(u32, String)> {
    let named_by = named_by.min(rows.len());
    let found = match named_by {
        0 => find_names(rows).filter(|found| found.is_sure || !fits_under(rows, names.row.as_ref())),
        _ => Some(Found { names: 0..named_by, is_sure: true }),
    };
    let body_from = found.as_ref().map_or(0, |found| found.names.end);
    match found {
        Some(found) => names.row = Some(joined(&rows[found.names])),
        None if fits_under(rows, names.row.as_ref()) => {}
        None => names.row = None,
    }
    let (head, body) = rows.split_at(body_from);
    names.repeat = names.row.as_ref().is_some_and(|row| repeats_pay(body, row));
    let mut lines: Vec<_> = head.iter().map(|row| (row.location, row.plain())).collect();
    lines.extend(lines_of_more(body, names));
    lines
}

/// A line for each row of a table that has begun before.
pub(super) fn lines_of_more(rows: &[Row], names: &Names) -> Vec<(u32, String)> {
    let names = names.row.as_ref().filter(|_| names.repeat);
    let line = |row: &Row| names.map_or_else(|| row.plain(), |names| with_names(row, names));
    rows.iter().map(|row| (row.location, line(row))).collect()
}

/// The names of columns that stand in several rows, the wider above the narrower. A name without
/// one above it is under the one to the left of that.
fn joined(rows: &[Row]) -> Row {
    let mut rows = rows.iter();
    let mut above = rows.next().cloned().unwrap_or_default();
    for row in rows {
        let mut names = above.clone();
        for (column, text) in &row.cells {
            let over =
                above.cells.partition_point(|(left, _)| left <= column).checked_sub(1).map(|at| &above.cells[at]);
            // A name above that has none of its own below it is over its column alone.
            let over = over.filter(|(left, over)| row.cell(*left).is_some() && over != text);
            let name = over.map_or_else(|| text.clone(), |(_, over)| format!("{over} {text}"));
            match names.cells.binary_search_by_key(column, |(column, _)| *column) {
                Ok(index) => names.cells[index].1 = name,
                Err(index) => names.cells.insert(index, (*column, name)),
            }
        }
        above = names;
    }
    above
}

fn with_names(row: &Row, names: &Row) -> String {
    // One cell in a wide row stands over the rows below it, and a row of names may come again on
    // every page.
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

fn repeats_pay(rows: &[Row], names: &Row) -> bool {
    let bytes = |row: &Row| row.cells.iter().map(|(_, text)| text.len() + 3).sum::<usize>();
    let with = bytes(names).saturating_mul(rows.len());
    with <= LARGE_BYTES || with / MAX_GROWTH <= rows.iter().map(bytes).sum::<usize>()
}

/// True if all cells but those of the first column, which says what its row is about, have a name.
fn fits_under(rows: &[Row], names: Option<&Row>) -> bool {
    let Some(names) = names else { return false };
    let first = rows.iter().filter_map(|row| row.cells.first()).map(|(column, _)| *column).min();
    rows.iter().flat_map(|row| &row.cells).all(|(column, _)| Some(*column) == first || names.cell(*column).is_some())
        && rows.iter().any(|row| row.cells.len() > 1)
}

/// Rows that name the columns.
#[derive(Debug)]
struct Found {
    names: std::ops::Range<usize>,
    /// True if numbers under texts tell it.
    is_sure: bool,
}

/// The rows that name the columns: the first one that fills most of the width with short texts,
/// above rows that differ, with the rows beside it that are like it.
fn find_names(rows: &[Row]) -> Option<Found> {
    let width = rows.iter().map(|row| row.cells.len()).max()?;
    let fills = |row: &Row| row.cells.len() >= 2 && row.cells.len() * 5 >= width * 3;
    let at = rows.iter().take(MAX_ROWS_ABOVE_NAMES).position(fills)?;
    if !are_names(&rows[at]) {
        return None;
    }
    let above = at.checked_sub(1).filter(|above| rows[*above].cells.len() > 1 && are_names(&rows[*above]));
    let mut end = at + 1;
    while end < rows.len() && end < at + 3 && is_over_numbers(&rows[end], &rows[end + 1..]) && are_names(&rows[end]) {
        end += 1;
    }
    let is_sure = is_over_numbers(&rows[end - 1], &rows[end..]);
    // A pair of columns may well be names and values side by side: there, only numbers below tell.
    // And a table whose names stand alone goes on below an empty row.
    let is_alone = end == rows.len();
    (is_sure || rows[at].cells.len() >= 3 && (!is_alone || at < 3))
        .then_some(Found { names: above.unwrap_or(at)..end, is_sure })
}

/// True if each of these texts could be the name of a column.
fn are_names(row: &Row) -> bool {
    let mut texts: Vec<&str> = row.cells.iter().map(|(_, text)| text.as_str()).collect();
    let is_name = |text: &&str| text.len() <= MAX_NAME_BYTES && (!is_value(text) || is_year(text));
    if !texts.iter().all(is_name) || texts.iter().all(|text| is_year(text)) {
        return false;
    }
    let all = texts.len();
    texts.sort_unstable();
    texts.dedup();
    texts.len() * 3 >= all * 2
}

/// True if numbers stand under one of these texts at least.
fn is_over_numbers(row: &Row, below: &[Row]) -> bool {
    row.cells.iter().any(|(column, _)| {
        let values: Vec<_> = below.iter().take(50).filter_map(|row| row.cell(*column)).collect();
        !values.is_empty() && values.iter().filter(|value| is_value(value)).count() * 2 > values.len()
    })
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
            location: index as u32 + 1,
            cells: (0..)
                .zip(cells.iter())
                .filter(|(_, it)| !it.is_empty())
                .map(|(at, it)| (at, it.to_string()))
                .collect(),
            is_parted: false,
        };
        let rows: Vec<Row> = rows.iter().enumerate().map(row).filter(|row| !row.cells.is_empty()).collect();
        lines(&rows, 0).into_iter().map(|(location, line)| format!("{location} {line}")).collect()
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
    fn names_in_two_rows_are_joined() {
        assert_eq!(
            shown(&[&["Kind", "People", "Results"], &["", "", "Share", "Time"], &["Blind", "5", "34.5%", "9 s"]])[2],
            "3 Kind: Blind | People: 5 | Results Share: 34.5% | Results Time: 9 s"
        );
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
