//! What word processors' documents and slides are made of: paragraphs, headings, list items, tables in tables; and their text.

use super::table::{self, Row};
use crate::corpus::formats::lines::{Gap, Lines};
use crate::corpus::formats::outline::Heading;
use crate::text::Span;

/// Tables inside tables deeper than this are read as paragraphs of the cell around them.
const MAX_DEPTH: usize = 24;
/// A heading longer than this is text that someone made look like one.
const MAX_HEADING_BYTES: usize = 300;

/// How a paragraph stands in the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Role {
    #[default]
    Body,
    /// A heading of this level, 1 the outermost.
    Heading(u8),
    /// An item of a list, with its number if it has one.
    Item(Option<String>),
    /// A foot- or endnote, which belongs to the paragraph before it.
    Note,
}

#[derive(Debug)]
enum Block {
    Paragraph(Role, String),
    Table(Vec<TableRow>),
}

#[derive(Debug, Default)]
struct TableRow {
    cells: Vec<Cell>,
    /// The column that the next cell stands in.
    next_column: u32,
    is_header: bool,
}

impl TableRow {
    fn add_cell(&mut self, block: Block) {
        self.cells.push(Cell { column: self.next_column, content: vec![block], continues_above: false });
        self.next_column = self.next_column.saturating_add(1);
    }
}

#[derive(Debug)]
struct Cell {
    column: u32,
    content: Vec<Block>,
    continues_above: bool,
}

/// What is open.
#[derive(Debug)]
enum Level {
    Table(Vec<TableRow>),
    Row(TableRow),
    Cell(Cell, u32),
    /// A text box: what is in it comes after the paragraph that it hangs on.
    Aside(Vec<Block>),
}

/// The blocks so far, and the tables that are open. Whatever is closed without being open, or the other way round, is let pass.
#[derive(Debug, Default)]
pub(super) struct Flow {
    blocks: Vec<Block>,
    open: Vec<Level>,
    asides: Vec<Block>,
    tables_too_deep: usize,
    asides_too_deep: usize,
}

impl Flow {
    /// Adds a paragraph, cleaned; nothing if it is empty.
    pub(super) fn paragraph(&mut self, role: Role, text: &str) {
        let text = clean(text);
        if !text.is_empty() {
            self.add(Block::Paragraph(role, text));
        }
        if !self.open.iter().any(|level| matches!(level, Level::Aside(_))) {
            for block in std::mem::take(&mut self.asides) {
                self.add(block);
            }
        }
    }

    fn add(&mut self, block: Block) {
        match self.open.last_mut() {
            None => self.blocks.push(block),
            Some(Level::Aside(content) | Level::Cell(Cell { content, .. }, _)) => content.push(block),
            // What stands between cells or rows.
            Some(Level::Row(row)) => row.add_cell(block),
            Some(Level::Table(rows)) => {
                let mut row = TableRow::default();
                row.add_cell(block);
                rows.push(row);
            }
        }
    }

    pub(super) fn open_table(&mut self) {
        if self.open.len() >= 3 * MAX_DEPTH {
            self.tables_too_deep += 1;
        } else {
            self.open.push(Level::Table(Vec::new()));
        }
    }

    pub(super) fn open_row(&mut self) {
        if self.tables_too_deep == 0 && matches!(self.open.last(), Some(Level::Table(_))) {
            self.open.push(Level::Row(TableRow::default()));
        }
    }

    /// Opens a cell that is this many columns wide.
    pub(super) fn open_cell(&mut self, width: u32) {
        if self.tables_too_deep > 0 {
            return;
        }
        self.open_row();
        if let Some(Level::Row(row)) = self.open.last() {
            let column = row.next_column;
            self.open.push(Level::Cell(Cell { column, content: Vec::new(), continues_above: false }, width.max(1)));
        }
    }

    /// Opens a cell if none is open.
    pub(super) fn continue_cell(&mut self) {
        if !matches!(self.open.last(), Some(Level::Cell(..))) {
            self.open_cell(1);
        }
    }

    /// The cell that is open is this many columns wide.
    pub(super) fn cell_width(&mut self, columns: u32) {
        if let Some(Level::Cell(_, width)) = self.open.last_mut()
            && self.tables_too_deep == 0
        {
            *width = columns.clamp(1, 1000);
        }
    }

    /// The cell that is open shows what the one above it shows.
    pub(super) fn cell_continues_above(&mut self) {
        if let Some(Level::Cell(cell, _)) = self.open.last_mut()
            && self.tables_too_deep == 0
        {
            cell.continues_above = true;
        }
    }

    /// The row that is open names the columns.
    pub(super) fn row_is_header(&mut self) {
        if let Some(Level::Row(row)) = self.open.last_mut()
            && self.tables_too_deep == 0
        {
            row.is_header = true;
        }
    }

    /// The columns that the next cells stand in are covered by a cell from above.
    pub(super) fn covered_cells(&mut self, columns: u32) {
        if let Some(Level::Row(row)) = self.open.last_mut()
            && self.tables_too_deep == 0
        {
            row.next_column = row.next_column.saturating_add(columns);
        }
    }

    pub(super) fn close_cell(&mut self) {
        if self.tables_too_deep > 0 {
            return;
        }
        if let Some(Level::Cell(cell, width)) = self.open.pop_if(|level| matches!(level, Level::Cell(..)))
            && let Some(Level::Row(row)) = self.open.last_mut()
        {
            row.next_column = cell.column.saturating_add(width);
            row.cells.push(cell);
        }
    }

    pub(super) fn close_row(&mut self) {
        if self.tables_too_deep > 0 {
            return;
        }
        self.close_cell();
        if let Some(Level::Row(row)) = self.open.pop_if(|level| matches!(level, Level::Row(_)))
            && let Some(Level::Table(rows)) = self.open.last_mut()
        {
            rows.push(row);
        }
    }

    pub(super) fn close_table(&mut self) {
        if self.tables_too_deep > 0 {
            self.tables_too_deep -= 1;
            return;
        }
        self.close_row();
        if let Some(Level::Table(rows)) = self.open.pop_if(|level| matches!(level, Level::Table(_))) {
            self.add(Block::Table(rows));
        }
    }

    pub(super) fn open_aside(&mut self) {
        if self.open.len() >= 3 * MAX_DEPTH {
            self.asides_too_deep += 1;
        } else {
            self.open.push(Level::Aside(Vec::new()));
        }
    }

    pub(super) fn close_aside(&mut self) {
        if self.asides_too_deep > 0 {
            self.asides_too_deep -= 1;
            return;
        }
        self.close_to_aside();
        if let Some(Level::Aside(blocks)) = self.open.pop_if(|level| matches!(level, Level::Aside(_))) {
            self.asides.extend(blocks);
        }
    }

    /// Closes tables that were left open inside an aside.
    fn close_to_aside(&mut self) {
        if !self.open.iter().any(|level| matches!(level, Level::Aside(_))) {
            return;
        }
        self.tables_too_deep = 0;
        while !matches!(self.open.last(), Some(Level::Aside(_)) | None) {
            self.close_table();
        }
    }

    fn close_all(&mut self) {
        (self.tables_too_deep, self.asides_too_deep) = (0, 0);
        while !self.open.is_empty() {
            self.close_aside();
            self.close_table();
        }
        self.paragraph(Role::Body, "");
    }

    /// Writes all blocks at the end of `page`.
    pub(super) fn write(mut self, page: &mut Page) {
        self.close_all();
        page.write(&self.blocks);
    }
}

/// Text with places and headings.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) lines: Lines,
    pub(super) headings: Vec<Heading>,
    /// The place of the last thing written.
    pub(super) place: u32,
    /// Whether each paragraph and row of a table is a place of its own.
    counts_paragraphs: bool,
}

impl Page {
    /// Text whose places are paragraphs.
    pub(super) fn of_paragraphs() -> Self {
        Page { lines: Lines::new(), headings: Vec::new(), place: 0, counts_paragraphs: true }
    }

    /// Text that stands at `place`, which the caller moves on.
    pub(super) fn of_slides() -> Self {
        Page { counts_paragraphs: false, ..Page::of_paragraphs() }
    }

    fn write(&mut self, blocks: &[Block]) {
        let mut after_item = false;
        for block in blocks {
            match block {
                Block::Paragraph(role, text) => {
                    let is_item = matches!(role, Role::Item(_));
                    self.paragraph(role, text, if is_item && after_item { Gap::Line } else { Gap::Blank });
                    after_item = is_item;
                }
                Block::Table(rows) => {
                    self.table(rows);
                    after_item = false;
                }
            }
        }
    }

    /// Writes a paragraph after this gap.
    pub(super) fn paragraph(&mut self, role: &Role, text: &str, gap: Gap) {
        if *role != Role::Note {
            self.next_place();
        }
        let place = self.place.max(1);
        self.lines.part(gap);
        match role {
            Role::Item(None) if !text.starts_with(['•', '-', '–', '*']) => self.lines.mark("- "),
            Role::Item(Some(number)) => self.lines.mark(&format!("{number} ")),
            Role::Body | Role::Heading(_) | Role::Note | Role::Item(None) => {}
        }
        self.lines.open(place);
        let start = self.lines.text().len();
        for character in text.chars() {
            match character {
                '\n' => self.lines.new_line(place),
                _ => self.lines.push(character),
            }
        }
        let end = self.lines.text().len();
        if let Role::Heading(level) = role
            && text.len() <= MAX_HEADING_BYTES
        {
            let title = text.replace('\n', " ");
            self.headings.push(Heading { span: Span { start, end }, level: *level, title });
        }
    }

    fn next_place(&mut self) {
        if self.counts_paragraphs {
            self.place = self.place.saturating_add(1);
        }
    }

    fn table(&mut self, rows: &[TableRow]) {
        // A table of one column only frames what is in it.
        let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        if columns <= 1 {
            rows.iter().flat_map(|row| &row.cells).for_each(|cell| self.write(&cell.content));
            return;
        }
        let named_by = rows.iter().take_while(|row| row.is_header).count();
        for (index, (_, line)) in table::lines(&flat_rows(rows), named_by).into_iter().enumerate() {
            self.next_place();
            self.lines.part(if index == 0 { Gap::Blank } else { Gap::Line });
            self.lines.open(self.place.max(1));
            line.chars().for_each(|character| self.lines.push(character));
        }
    }
}

/// The rows with the text of their cells; a cell that continues the one above it has its text.
fn flat_rows(rows: &[TableRow]) -> Vec<Row> {
    let mut flat: Vec<Row> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut cells = Vec::new();
        for cell in &row.cells {
            let mut text = in_one_line(&cell.content);
            if text.is_empty() && cell.continues_above {
                let above = flat.last().and_then(|above: &Row| above.cell(cell.column));
                text = above.unwrap_or_default().to_owned();
            }
            if !text.is_empty() {
                cells.push((cell.column, text));
            }
        }
        flat.push(Row { place: index as u32 + 1, cells, is_parted: false });
    }
    flat.retain(|row| !row.cells.is_empty());
    flat
}

fn in_one_line(blocks: &[Block]) -> String {
    let mut line = String::new();
    for block in blocks {
        let text = match block {
            Block::Paragraph(_, text) => text.replace('\n', " "),
            Block::Table(rows) => {
                let cells = |row: &TableRow| -> Vec<String> {
                    let texts = row.cells.iter().map(|cell| in_one_line(&cell.content));
                    texts.filter(|text| !text.is_empty()).collect()
                };
                let rows: Vec<_> = rows.iter().map(|row| cells(row).join(", ")).filter(|row| !row.is_empty()).collect();
                rows.join("; ")
            }
        };
        if !line.is_empty() && !text.is_empty() {
            line.push(' ');
        }
        line.push_str(&text);
    }
    line
}

/// Single spaces, no control characters or soft hyphens, lines trimmed, none empty.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\x0b', '\x0c', '\u{2028}', '\u{2029}', '\u{85}']) {
        let mut between_words = false;
        let mut in_line = false;
        for character in line.chars() {
            match character {
                _ if character.is_whitespace() => between_words = true,
                '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{fffc}' | '\u{e000}'..='\u{f8ff}' => {}
                _ if character.is_control() => {}
                _ => {
                    if in_line && between_words {
                        clean.push(' ');
                    } else if !in_line && !clean.is_empty() {
                        clean.push('\n');
                    }
                    (in_line, between_words) = (true, false);
                    clean.push(character);
                }
            }
        }
    }
    clean
}
