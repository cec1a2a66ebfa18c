//! Builds a text from parts with gaps between them, and remembers which line of the file each line
//! comes from.

/// The gap between the text so far and the next part; of two gaps the larger one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    None,
    Space,
    Line,
    Blank,
}

/// The text so far. Gaps and marks are written only when something follows them.
#[derive(Debug)]
pub(crate) struct TextBuilder {
    text: String,
    sources: Vec<u32>,
    gap: Gap,
    /// Written after the gap and before the next part: the dash of a list item, the bar between two
    /// cells.
    mark: String,
    /// True if earlier text has been taken.
    is_continued: bool,
}

impl TextBuilder {
    pub(crate) fn new() -> Self {
        TextBuilder { text: String::new(), sources: vec![1], gap: Gap::None, mark: String::new(), is_continued: false }
    }

    /// Asks for at least this gap before the next part. No gap follows a mark.
    pub(crate) fn part(&mut self, gap: Gap) {
        if self.mark.is_empty() {
            self.gap = self.gap.max(gap);
        }
    }

    /// Allows at most this gap before the next part.
    pub(crate) fn close_up(&mut self, gap: Gap) {
        self.gap = self.gap.min(gap);
    }

    /// Adds a mark, on one line, before the next part.
    pub(crate) fn mark(&mut self, mark: &str) {
        self.mark.extend(mark.chars().map(|character| if character == '\n' { ' ' } else { character }));
    }

    /// Drops marks that no text followed.
    pub(crate) fn drop_mark(&mut self) {
        self.mark.clear();
    }

    /// Writes the gap and the mark, so that the next part begins at the end of the text.
    pub(crate) fn open(&mut self, source_line: u32) {
        if self.text.is_empty() && !self.is_continued {
            self.sources[0] = source_line;
        } else {
            match self.gap {
                Gap::None => {}
                Gap::Space => self.text.push(' '),
                Gap::Line => self.new_line(source_line),
                Gap::Blank => {
                    self.new_line(source_line);
                    self.new_line(source_line);
                }
            }
        }
        self.gap = Gap::None;
        self.text.push_str(&self.mark);
        self.mark.clear();
    }

    /// Writes a character at the end of the text.
    pub(crate) fn push(&mut self, character: char) {
        self.text.push(character);
    }

    /// Ends the line. The next one comes from `source_line` of the file, or from the line of the
    /// previous one if that is later.
    pub(crate) fn new_line(&mut self, source_line: u32) {
        self.text.push('\n');
        let before = self.sources.last().copied().unwrap_or(1);
        self.sources.push(source_line.max(before));
    }

    /// The number of the line being written, from 1.
    pub(crate) fn number(&self) -> usize {
        self.sources.len()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What [`finish`](Self::finish) would give, but what follows is written as if it were still
    /// there: the texts taken one after the other are the whole.
    pub(crate) fn take(&mut self) -> (String, Vec<u32>) {
        self.is_continued |= !self.text.is_empty();
        let last = self.sources.last().copied().unwrap_or(1);
        (std::mem::take(&mut self.text), std::mem::replace(&mut self.sources, vec![last]))
    }

    /// The text and, for each of its lines, the line of the file.
    pub(crate) fn finish(self) -> (String, Vec<u32>) {
        (self.text, self.sources)
    }
}
