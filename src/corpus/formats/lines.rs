//! Builds a text out of pieces with gaps between them, and remembers the line of the file that each line comes from.

/// What stands between the text so far and the next piece; the larger one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    Line,
    Blank,
}

/// The text so far. Gaps are written only once a piece follows, so that no line is empty at the start or the end.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    sources: Vec<u32>,
    gap: Gap,
    /// Written before the next piece: the dash of a list item, the bar between two cells.
    mark: String,
}

impl Lines {
    pub(super) fn new() -> Self {
        Lines { text: String::new(), sources: vec![1], gap: Gap::None, mark: String::new() }
    }

    /// Asks for at least this gap before the next piece.
    pub(super) fn part(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Asks for exactly this gap and then this mark before the next piece.
    pub(super) fn part_with(&mut self, gap: Gap, mark: &str) {
        self.gap = gap;
        self.mark.push_str(mark);
    }

    /// Forgets a mark after which nothing came.
    pub(super) fn drop_mark(&mut self) {
        self.mark.clear();
    }

    /// Whether a new block would begin here anyway.
    pub(super) fn at_start_of_block(&self) -> bool {
        self.gap >= Gap::Line || self.text.is_empty()
    }

    /// Where the next piece will begin, once its gap is written. Writes the gap.
    pub(super) fn open(&mut self, source_line: u32) -> usize {
        if !self.text.is_empty() {
            match self.gap {
                Gap::None => {}
                Gap::Space => self.text.push(' '),
                Gap::Line => self.new_line(source_line),
                Gap::Blank => {
                    self.new_line(source_line);
                    self.new_line(source_line);
                }
            }
        } else if let Some(first) = self.sources.last_mut() {
            *first = source_line;
        }
        self.gap = Gap::None;
        let start = self.text.len();
        self.text.push_str(&self.mark);
        self.mark.clear();
        start
    }

    /// Writes one character, after the gap before it.
    pub(super) fn push(&mut self, character: char, source_line: u32) {
        if self.gap != Gap::None || !self.mark.is_empty() || self.text.is_empty() {
            self.open(source_line);
        }
        if character == '\n' {
            self.new_line(source_line + 1);
        } else {
            self.text.push(character);
        }
    }

    fn new_line(&mut self, source_line: u32) {
        self.text.push('\n');
        // Broken markup may close what it opened earlier; lines of the file never run backwards.
        let before = self.sources.last().copied().unwrap_or(1);
        self.sources.push(source_line.max(before));
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text and, for each of its lines, the line of the file.
    pub(super) fn finish(self) -> (String, Vec<u32>) {
        (self.text, self.sources)
    }
}
