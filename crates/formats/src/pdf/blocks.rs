//! Joins the segments of a region to blocks: paragraphs with their lines joined, lists line by
//! line, tables row by row.

use super::characters;
use super::segments::Segment;
use crate::span::Span;

/// Alignment of cells, in sizes of the font.
const ALIGNED: f32 = 0.6;

/// Cells of a line that are compared with others: no page that people read has more beside each
/// other.
const MAX_COMPARED: usize = 64;

/// What stands before the items of a list that has no numbers.
const BULLETS: [&str; 11] = ["-", "–", "*", "•", "●", "▪", "◦", "‣", "■", "○", "·"];

/// What stands between two blank lines.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    /// Its lines, parted by '\n'.
    pub(super) text: String,
    pub(super) size: f32,
    /// Lines on the page.
    pub(super) lines: usize,
    pub(super) is_table: bool,
    pub(super) bold: bool,
    /// True if it runs another way than most of its page.
    pub(super) aside: bool,
}

/// A block of a page in the text of the document; its own text has been moved there.
#[derive(Debug)]
pub(super) struct PlacedBlock {
    pub(super) span: Span,
    /// From 0.
    pub(super) page: usize,
    pub(super) block: Block,
}

/// Segments on one line, from left to right.
struct Row {
    cells: Vec<Segment>,
    base: f32,
    size: f32,
}

impl Row {
    fn left(&self) -> f32 {
        self.cells.first().map_or(0.0, |cell| cell.left)
    }

    fn right(&self) -> f32 {
        self.cells.last().map_or(0.0, |cell| cell.right)
    }

    fn bold(&self) -> bool {
        self.cells.iter().all(|cell| cell.bold)
    }

    fn text(&self) -> String {
        let texts: Vec<&str> = self.cells.iter().map(|cell| cell.text.as_str()).collect();
        texts.join(" ")
    }

    fn aligned_with(&self, other: &Row) -> bool {
        let near = |one: f32, other: f32| (one - other).abs() <= ALIGNED * self.size;
        let aligned = |cell: &&Segment| {
            other.cells.iter().take(MAX_COMPARED).any(|it| {
                near(it.left, cell.left)
                    || near(it.right, cell.right)
                    || near((it.left + it.right) / 2.0, (cell.left + cell.right) / 2.0)
            })
        };
        let (own, others) = (self.cells.len().min(MAX_COMPARED), other.cells.len().min(MAX_COMPARED));
        2 * self.cells.iter().take(own).filter(aligned).count() > own.min(others)
    }
}

/// The blocks of a region whose segments are sorted from top to bottom.
pub(super) fn blocks(segments: Vec<Segment>) -> Vec<Block> {
    let rows = rows(segments);
    let tables = tables(&rows);
    let gaps = |rows: &[Row]| -> Vec<f32> {
        rows.windows(2).map(|pair| (pair[1].base - pair[0].base) / pair[1].size.max(pair[0].size)).collect()
    };
    let mut usual: Vec<f32> = gaps(&rows).into_iter().filter(|gap| *gap < 2.6).collect();
    let middle = usual.len() / 2;
    let usual = if usual.is_empty() { 1.3 } else { *usual.select_nth_unstable_by(middle, f32::total_cmp).1 };
    let widest = (1.25 * usual).max(1.3);
    let right = rows.iter().map(Row::right).fold(f32::MIN, f32::max);
    let mut blocks = Vec::new();
    let mut first = 0;
    for end in 1..=rows.len() {
        let parted = end == rows.len() || tables[end] != tables[end - 1] || {
            let (above, below) = (&rows[end - 1], &rows[end]);
            let size = above.size.max(below.size);
            // Rows of a table are further apart, with lines between them.
            let widest = if tables[end].is_some() { 2.0 * widest } else { widest };
            let resized = above.size.min(below.size) < 0.88 * size;
            let headed = tables[end].is_none() && above.bold() != below.bold();
            (below.base - above.base) / size > widest || headed || (resized && tables[end].is_none())
        };
        if parted {
            let part = &rows[first..end];
            match tables[first] {
                Some(_) => blocks.push(table(part)),
                None => prose(part, right, &mut blocks),
            }
            first = end;
        }
    }
    blocks
}

fn rows(segments: Vec<Segment>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for segment in segments {
        // Segments come from top to bottom, so that the row of one is the last, or with raised
        // letters the one before.
        let home = rows.iter_mut().rev().take(2).find(|row| {
            let (small, large) = (row.size.min(segment.size), row.size.max(segment.size));
            let beside = |cell: &Segment| {
                let gap = (segment.left - cell.right).max(cell.left - segment.right);
                gap.abs() < 0.5 * large && segment.text.len().min(cell.text.len()) <= 4
            };
            let raised = small < 0.85 * large && row.cells.iter().rev().take(MAX_COMPARED).any(beside);
            let near = if raised { 0.5 * large } else { 0.3 * small };
            (segment.base - row.base).abs() <= near
        });
        match home {
            Some(row) => {
                if segment.size > row.size {
                    (row.base, row.size) = (segment.base, segment.size);
                }
                row.cells.push(segment);
            }
            None => rows.push(Row { base: segment.base, size: segment.size, cells: vec![segment] }),
        }
    }
    for row in &mut rows {
        row.cells.sort_by(|one, other| one.left.total_cmp(&other.left));
        let mut cells: Vec<Segment> = Vec::new();
        for cell in row.cells.drain(..) {
            let marker = cells.len() == 1 && cells[0].text.len() <= 6 && list_item(&format!("{} x", cells[0].text));
            match cells.last_mut().filter(|last| marker || cell.left - last.right <= row.size) {
                Some(last) => {
                    if !(-0.3..0.1).contains(&((cell.left - last.right) / row.size)) {
                        last.text.push(' ');
                    }
                    last.text.push_str(&cell.text);
                    last.right = last.right.max(cell.right);
                }
                None => cells.push(cell),
            }
        }
        // The size of most of its letters.
        let longest = cells.iter().max_by_key(|cell| cell.text.len()).map(|cell| cell.size);
        row.size = longest.unwrap_or(row.size);
        row.cells = cells;
    }
    rows
}

/// For each row, the number of the table it is in: two or more rows after each other with cells
/// that are aligned.
fn tables(rows: &[Row]) -> Vec<Option<usize>> {
    let mut tables = vec![None; rows.len()];
    let mut last: Option<usize> = None;
    let mut number = 0;
    for (index, row) in rows.iter().enumerate() {
        if row.cells.len() < 2 {
            continue;
        }
        // One row between two may be the second line of a cell.
        if let Some(above) = last.filter(|&above| index - above <= 2 && rows[above].aligned_with(row)) {
            number = tables[above].unwrap_or(number + 1);
            let between = above + 1..index;
            let inside = between.clone().all(|it| rows[it].aligned_with(row));
            if between.is_empty() || inside {
                tables[above..=index].fill(Some(number));
            }
        }
        last = Some(index);
    }
    tables
}

fn table(rows: &[Row]) -> Block {
    let widest = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let mut columns: Vec<(f32, f32)> = vec![(f32::MAX, f32::MIN); widest];
    for row in rows.iter().filter(|row| row.cells.len() == widest) {
        for (column, cell) in columns.iter_mut().zip(&row.cells) {
            *column = (column.0.min(cell.left), column.1.max(cell.right));
        }
    }
    let lines: Vec<String> = rows.iter().map(|row| line(row, &columns)).collect();
    let size = rows.first().map_or(0.0, |row| row.size);
    Block { text: lines.join("\n"), size, lines: rows.len(), is_table: true, bold: false, aside: false }
}

/// The cells of a row, with empty ones where it has none in a column.
fn line(row: &Row, columns: &[(f32, f32)]) -> String {
    let mut cells = vec![""; columns.len()];
    let mut from = 0;
    for cell in row.cells.iter().filter(|_| columns.len() <= MAX_COMPARED) {
        let overlap = |column: &(f32, f32)| cell.right.min(column.1) - cell.left.max(column.0);
        let best = (from..columns.len())
            .max_by(|&one, &other| overlap(&columns[one]).total_cmp(&overlap(&columns[other])).then(other.cmp(&one)));
        let Some(best) = best else {
            let texts: Vec<&str> = row.cells.iter().map(|cell| cell.text.as_str()).collect();
            return texts.join(" | ");
        };
        cells[best] = &cell.text;
        from = best + 1;
    }
    if columns.len() > MAX_COMPARED {
        return row.text();
    }
    if row.cells.len() == 1 && cells[0].len() == row.cells[0].text.len() {
        return row.cells[0].text.clone();
    }
    cells.join(" | ").trim_end().to_owned()
}

/// Joins lines to paragraphs. A line that has room for the first word of the next one ends on
/// purpose.
///
/// Few lines do not tell how long a full one is; then it is as long as the longest of the region,
/// which ends at `right`.
fn prose(rows: &[Row], right: f32, blocks: &mut Vec<Block>) {
    let left = rows.iter().map(Row::left).fold(f32::MAX, f32::min);
    let longest = rows.iter().map(Row::right).fold(f32::MIN, f32::max);
    let right = if rows.len() < 4 { right } else { longest };
    let size = rows.first().map_or(0.0, |row| row.size);
    let bold = rows.iter().all(Row::bold);
    let new = || Block { text: String::new(), size, lines: 0, is_table: false, bold, aside: false };
    let mut block = new();
    for (index, row) in rows.iter().enumerate() {
        let text = bullet(row.text());
        if let Some(above) = index.checked_sub(1).map(|index| &rows[index]) {
            let first_word = row.cells.first().map_or(0.0, |cell| cell.first_word);
            let room = above.right() + 0.3 * size + first_word < right - 0.3 * size;
            let indent = row.left() - left;
            let indented = indent > 0.7 * size && indent < 5.0 * size && above.left() - left < 0.3 * size;
            let item = list_item(&text);
            let in_list = list_item(block.text.rsplit('\n').next().unwrap_or_default());
            if indented && !item && !in_list {
                blocks.push(std::mem::replace(&mut block, new()));
            } else if item || room {
                block.text.push('\n');
            }
        }
        block.lines += 1;
        if block.text.is_empty() || block.text.ends_with('\n') {
            block.text.push_str(&text);
        } else {
            characters::join(&mut block.text, &text);
        }
    }
    blocks.push(block);
}

fn bullet(text: String) -> String {
    let rest = text.strip_prefix(['•', '●', '▪', '◦', '‣', '■', '○', '➢', '\u{25AA}', '⁃', '∙']);
    match rest.map(str::trim_start) {
        Some(rest) if !rest.is_empty() => format!("- {rest}"),
        _ => text,
    }
}

/// True if a line begins with the mark of an item in a list without numbers.
pub(super) fn is_bullet(line: &str) -> bool {
    let marked = line.split_once(' ').is_some_and(|(mark, _)| BULLETS.contains(&mark));
    marked || line.starts_with(['•', '●', '▪', '◦', '‣', '■', '○', '➢', '⁃', '∙'])
}

/// True if a line begins like an item of a list: with a dash, a number or a letter.
fn list_item(line: &str) -> bool {
    let Some((marker, rest)) = line.split_once(' ') else { return false };
    if rest.is_empty() {
        return false;
    }
    if BULLETS.contains(&marker) {
        return true;
    }
    let inner = marker.trim_start_matches('(');
    let number = inner.trim_end_matches([')', '.', ':']);
    let short = number.chars().count() == 1 && number.chars().all(char::is_alphabetic);
    number.len() < inner.len()
        && (short || (number.len() <= 3 && number.bytes().all(|it| it.is_ascii_digit()) && !number.is_empty()))
}
