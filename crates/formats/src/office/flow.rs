//! What word processors' documents and slides are made of: paragraphs, headings, list items, tables
//! in tables.

use crate::clean::clean_lines;

/// Tables inside tables deeper than this are read as paragraphs of the cell around them.
const MAX_DEPTH: usize = 24;

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
pub(super) enum Block {
    Paragraph(Role, String),
    Table(Vec<TableRow>),
}

#[derive(Debug, Default)]
pub(super) struct TableRow {
    pub(super) cells: Vec<Cell>,
    /// The column that the next cell stands in.
    next_column: u32,
    pub(super) is_header: bool,
}

impl TableRow {
    fn add_cell(&mut self, block: Block) {
        self.cells.push(Cell { column: self.next_column, content: vec![block], continues_above: false });
        self.next_column = self.next_column.saturating_add(1);
    }
}

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) column: u32,
    pub(super) content: Vec<Block>,
    pub(super) continues_above: bool,
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

/// The blocks so far, and the tables that are open. Whatever is closed without being open, or the
/// other way round, is let pass.
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
        let text = clean_lines(text);
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

    /// All blocks, with what was left open closed.
    pub(super) fn into_blocks(mut self) -> Vec<Block> {
        self.close_all();
        self.blocks
    }
}
