//! Cuts documents into chunks with exact spans.

mod code;
pub mod definitions;
mod headings_at;

use serde::{Deserialize, Serialize};
use text_splitter::{ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};

use self::headings_at::{bare, is_heading_line};
use crate::text::{Span, estimated_tokens, line_starts};
use kinglet_formats::{Document, Format, LocationUnit, Section};

/// The most estimated tokens that the heading path in front of an embedded passage may take.
const MAX_CONTEXT_TOKENS: usize = 40;
/// The size of the parts that the splitter gets, because its time grows with the square of the
/// size.
const MAX_PART_BYTES: usize = 8 << 10;

/// How documents are cut. Part of an index's manifest, because different chunks make a different
/// index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunking {
    /// The most [`estimated_tokens`] in a chunk. A chunk with its headings must fit every embedder
    /// of the catalog.
    pub target_tokens: usize,
}

impl Default for Chunking {
    fn default() -> Self {
        Chunking { target_tokens: 200 }
    }
}

/// A piece of a document, small enough for every embedder of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its span in the document's text: `span.of(&document.text) == text`.
    pub span: Span,
    /// The unit in which its places are counted.
    pub unit: LocationUnit,
    /// Its first place in the file, from 1: a line, a page, a row.
    pub first: u32,
    /// Its last place in the file.
    pub last: u32,
    /// The place that each line of its text comes from; `None` if these are consecutive lines from
    /// `first` on.
    pub places: Option<Vec<u32>>,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// The headings of parts of it, in order.
    pub inner_headings: Vec<String>,
    /// Its text.
    pub text: String,
}

impl Chunk {
    /// The place in the file, from 1, of the byte at `offset` of the text.
    pub fn place_at(&self, offset: usize) -> u32 {
        let before = self.text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count();
        match &self.places {
            Some(places) => places[before.min(places.len() - 1)],
            None => self.first + before as u32,
        }
    }

    /// Its place, written to follow the path of its file, see [`LocationUnit::after_path`].
    pub fn after_path(&self) -> String {
        self.unit.after_path(self.first, self.last, &self.headings)
    }

    /// The headings above it that its text does not contain, joined with ` > `: the innermost ones
    /// that fit into 40 estimated tokens. Empty if there are none.
    pub fn context(&self) -> String {
        let mut context = String::new();
        for heading in self.headings.iter().rev().filter(|heading| !contains_heading(&self.text, heading)) {
            let longer = if context.is_empty() { heading.clone() } else { format!("{heading} > {context}") };
            if estimated_tokens(&longer) <= MAX_CONTEXT_TOKENS {
                context = longer;
            }
        }
        context
    }

    /// The text that is embedded: the context, if there is any, on a line of its own, then the
    /// chunk's text.
    pub fn passage(&self) -> String {
        match self.context() {
            context if context.is_empty() => self.text.clone(),
            context => format!("{context}\n{}", self.text),
        }
    }

    /// The BLAKE3 hash of the passage: chunks with the same hash have the same vector.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(self.passage().as_bytes()).as_bytes()
    }
}

/// True if a line of `text` is this heading.
fn contains_heading(text: &str, heading: &str) -> bool {
    let heading = bare(heading);
    text.lines().any(|line| is_heading_line(line.trim(), &heading))
}

/// Cuts a document into chunks, in order, without overlap. Every character that is not white space
/// is in exactly one chunk; no chunk is empty, and none exceeds the target unless it is a single
/// character.
///
/// The text is cut at its sections first: a small section joins its neighbour under the same
/// heading, a large one is split between paragraphs, then lines, sentences and words. A heading
/// stays with the text under it. In code, a definition stays whole where it fits.
pub fn chunk(document: &Document, chunking: &Chunking) -> Vec<Chunk> {
    let target = chunking.target_tokens.max(1);
    let starts = line_starts(&document.text);
    let mut chunks = Vec::new();
    let is_code = document.format == Format::Code;
    let groups =
        if is_code { code::groups(&document.text, &document.sections, target) } else { groups(document, target) };
    for group in groups {
        for span in split(document, group, target) {
            let headings = headings_over(document, group, span);
            chunks.push(Chunk {
                span,
                unit: document.unit,
                first: document.location(&starts, span.start),
                last: document.location(&starts, span.end - 1),
                places: document.locations_of(&starts, span),
                inner_headings: headings_inside(group, span, &headings),
                headings,
                text: span.of(&document.text).to_owned(),
            });
        }
    }
    chunks
}

/// Cuts a piece of a longer document. Spans and places count from the start of the whole document:
/// `bytes_before` bytes of text and, where places are lines, `lines_before` lines come before the
/// piece.
pub fn chunk_piece(piece: &Document, chunking: &Chunking, bytes_before: usize, lines_before: u32) -> Vec<Chunk> {
    let mut chunks = chunk(piece, chunking);
    for chunk in &mut chunks {
        chunk.span = Span { start: chunk.span.start + bytes_before, end: chunk.span.end + bytes_before };
        if piece.locations.is_none() {
            (chunk.first, chunk.last) = (chunk.first + lines_before, chunk.last + lines_before);
        }
    }
    chunks
}

/// Groups neighbouring sections that are cut together, at least one in a group.
fn groups(document: &Document, target: usize) -> Vec<&[Section]> {
    let small = target / 4;
    let sections = &document.sections;
    let starts = line_starts(&document.text);
    let place = |section: &Section| document.location(&starts, section.span.start);
    let mut groups = Vec::new();
    let (mut first, mut tokens, mut common) = (0, 0, 0);
    for (index, section) in sections.iter().enumerate() {
        let more = estimated_tokens(section.span.of(&document.text));
        if index > first {
            let path = &sections[first].headings;
            let shared = common.min(shared_length(path, &section.headings));
            let is_below = shared == path.len() && section.headings.len() > shared;
            // Siblings join, but a section that has sections below it stays with those.
            let has_children = sections.get(index + 1).is_some_and(|next| next.headings.len() > section.headings.len());
            let is_sibling = shared + 1 >= path.len() && shared + 1 >= section.headings.len() && !has_children;
            let is_elsewhere = match document.unit {
                // Row numbers of one sheet mean nothing in another.
                LocationUnit::Row => shared == 0,
                LocationUnit::Message => place(section) != place(&sections[index - 1]),
                _ => false,
            };
            let fits = tokens + more <= target && (tokens < small || more < small) && !is_elsewhere;
            // A heading with hardly any text goes with the first part under it, however large that
            // is.
            if (is_below || is_sibling) && fits || is_below && tokens < small {
                (tokens, common) = (tokens + more, shared);
                continue;
            }
            groups.push(&sections[first..index]);
        }
        (first, tokens, common) = (index, more, section.headings.len());
    }
    if first < sections.len() {
        groups.push(&sections[first..]);
    }
    groups
}

fn shared_length(one: &[String], other: &[String]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// The headings above all text in `span`. Sections with nothing but their heading in `span` do not
/// count, unless there are no others.
fn headings_over(document: &Document, group: &[Section], span: Span) -> Vec<String> {
    let inside = |section: &&Section| section.span.start < span.end && section.span.end > span.start;
    let has_body = |section: &&Section| {
        let body = Span { start: section.body_start.max(span.start), end: section.span.end.min(span.end) };
        body.start < body.end && !body.of(&document.text).trim().is_empty()
    };
    let mut over = group.iter().filter(inside).filter(has_body);
    let Some(first) = over.next() else {
        return group.iter().rfind(inside).map_or_else(Vec::new, |section| section.headings.clone());
    };
    let shared = over
        .fold(first.headings.len(), |shared, section| shared.min(shared_length(&first.headings, &section.headings)));
    first.headings[..shared].to_vec()
}

/// The headings above some of the text in `span`, without those in `over`.
fn headings_inside(group: &[Section], span: Span, over: &[String]) -> Vec<String> {
    let mut inside: Vec<String> = Vec::new();
    for section in group.iter().filter(|section| section.span.start < span.end && section.span.end > span.start) {
        for heading in &section.headings {
            if !over.contains(heading) && !inside.contains(heading) {
                inside.push(heading.clone());
            }
        }
    }
    inside
}

/// Cuts the text of a group into trimmed spans that hold at most `target` tokens.
fn split(document: &Document, group: &[Section], target: usize) -> Vec<Span> {
    let text = &document.text;
    let last = &group[group.len() - 1];
    let whole = Span { start: group[0].span.start, end: last.span.end }.trimmed(text);
    if whole.start == whole.end {
        return Vec::new();
    }
    if estimated_tokens(whole.of(text)) <= target {
        return vec![whole];
    }
    // The text before the last body, usually its heading, joins the first piece of that body: leave
    // room for it.
    let lead = Span { start: whole.start, end: last.body_start.clamp(whole.start, whole.end) }.trimmed(text);
    let lead_tokens = estimated_tokens(lead.of(text));
    if lead_tokens == 0 || lead_tokens > target / 2 {
        return split_span(document, whole, target);
    }
    let body = Span { start: last.body_start, end: whole.end }.trimmed(text);
    let mut spans = split_span(document, body, target - lead_tokens);
    match spans.first_mut() {
        Some(first) if tokens_of(text, lead.start, first.end) <= target => first.start = lead.start,
        _ => spans.insert(0, lead),
    }
    spans
}

fn tokens_of(text: &str, start: usize, end: usize) -> usize {
    estimated_tokens(&text[start..end])
}

struct EstimatedTokens;

impl ChunkSizer for EstimatedTokens {
    fn size(&self, chunk: &str) -> usize {
        estimated_tokens(chunk)
    }
}

fn split_span(document: &Document, span: Span, target: usize) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let is_code = document.format == Format::Code;
    let parts = if is_code { code::pieces(&document.text, span, target) } else { vec![span] };
    for part in parts.into_iter().flat_map(|part| parts_of(&document.text, part)) {
        let text = part.of(&document.text);
        let tokens = estimated_tokens(text);
        if tokens <= target {
            spans.extend(Some(part.trimmed(&document.text)).filter(|piece| piece.start < piece.end));
            continue;
        }
        // Pieces of about the same size are better than full ones and a small rest.
        let even = tokens.div_ceil(tokens.div_ceil(target));
        let config = ChunkConfig::new(even..=target).with_sizer(EstimatedTokens).with_trim(false);
        let lengths: Vec<usize> = match document.format {
            Format::Markdown => {
                let splitter = MarkdownSplitter::new(config);
                splitter.chunk_indices(&without_soft_breaks(text)).map(|(_, piece)| piece.len()).collect()
            }
            Format::Html
            | Format::Text
            | Format::Pdf
            | Format::Word
            | Format::Slides
            | Format::Mail
            | Format::Book
            | Format::Notebook => {
                let splitter = TextSplitter::new(config);
                splitter.chunk_indices(&without_soft_breaks(text)).map(|(_, piece)| piece.len()).collect()
            }
            Format::Code | Format::Table | Format::Data => {
                TextSplitter::new(config).chunks(text).map(str::len).collect()
            }
        };
        let mut start = part.start;
        for length in lengths {
            let piece = Span { start, end: start + length }.trimmed(&document.text);
            start += length;
            if piece.start < piece.end {
                spans.push(piece);
            }
        }
    }
    join_small(&document.text, spans, target)
}

/// Joins small pieces to a neighbour that has room, preferably the one before.
fn join_small(text: &str, spans: Vec<Span>, target: usize) -> Vec<Span> {
    let small = target / 4;
    let mut joined: Vec<(Span, usize)> = Vec::new();
    for span in spans {
        let tokens = estimated_tokens(span.of(text));
        if let Some((last, last_tokens)) = joined.last_mut()
            && (*last_tokens < small || tokens < small)
            && tokens_of(text, last.start, span.end) <= target
        {
            last.end = span.end;
            *last_tokens += tokens;
        } else {
            joined.push((span, tokens));
        }
    }
    joined.into_iter().map(|(span, _)| span).collect()
}

/// Cuts a span into parts of bounded size, at blank lines if there are any, else at lines, else at
/// spaces.
fn parts_of(text: &str, span: Span) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut start = span.start;
    while span.end - start > MAX_PART_BYTES {
        let end = text.floor_char_boundary(start + MAX_PART_BYTES);
        let window = &text[start..end];
        let cut = ["\n\n", "\n", " "].iter().find_map(|at| {
            let found = window.rfind(at)?;
            (found > MAX_PART_BYTES / 4).then_some(start + found + at.len())
        });
        let end = cut.unwrap_or(end);
        parts.push(Span { start, end });
        start = end;
    }
    parts.push(Span { start, end: span.end });
    parts
}

/// The text with line ends inside sentences replaced by spaces, byte for byte, so that it is cut
/// between sentences. A line end is inside a sentence if a long line comes before it and a
/// lower-case letter after it, outside fenced code.
fn without_soft_breaks(text: &str) -> String {
    const LONG_LINE_BYTES: usize = 50;
    let mut joined = text.to_owned().into_bytes();
    let mut is_fenced = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        is_fenced ^= line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        let next = text[end..].trim_start_matches([' ', '\t']).chars().next();
        if !is_fenced && line.len() >= LONG_LINE_BYTES && next.is_some_and(char::is_lowercase) {
            for byte in &mut joined[start..end] {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
        start = end;
    }
    String::from_utf8(joined).expect("an ASCII byte replaced an ASCII byte")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinglet_formats::read;

    fn cut(name: &str, text: &str, target_tokens: usize) -> Vec<Chunk> {
        chunk(&read(name, text.as_bytes()).unwrap(), &Chunking { target_tokens })
    }

    fn words(count: usize) -> String {
        "word ".repeat(count)
    }

    #[test]
    fn small_sections_join_under_their_heading_and_large_ones_stay_alone() {
        let (a, b) = (words(60), words(70));
        let text = format!(
            "# Guide\n\n## Tiny\n\nOne line.\n\n## Large\n\n{a}\n\n## Next\n\n{b}\n\n# Other\n\n## Part\n\n{a}"
        );
        let chunks = cut("a.md", &text, 100);
        let locations: Vec<_> = chunks.iter().map(|it| (it.headings.join(" > "), it.first, it.last)).collect();
        let expected = [("Guide", 1, 9), ("Guide > Next", 11, 13), ("Other > Part", 15, 19)];
        assert_eq!(locations, expected.map(|(path, first, last)| (path.to_owned(), first, last)));
    }

    #[test]
    fn a_chunk_never_spans_two_sheets() {
        let section = |start, sheet: &str| Section {
            span: Span { start, end: start + 2 },
            body_start: start,
            headings: vec![sheet.to_owned()],
        };
        let document = Document {
            format: Format::Table,
            text: "a\nb\n".to_owned(),
            sections: vec![section(0, "One"), section(2, "Two")],
            unit: LocationUnit::Row,
            locations: Some(vec![7, 1, 1]),
            metadata: Vec::new(),
            warning: None,
        };
        let places: Vec<_> = chunk(&document, &Chunking::default()).iter().map(Chunk::after_path).collect();
        assert_eq!(places, ["#One!7:7", "#Two!1:1"]);
    }

    #[test]
    fn a_heading_is_never_alone_when_its_text_is_split() {
        for text in
            [format!("# Guide\n\n## Part\n\n{}", words(500)), format!("Guide\n=====\n\nPart\n---\n{}", words(500))]
        {
            let chunks = cut("a.md", &text, 100);
            assert_eq!(chunks.len(), 6, "{chunks:#?}");
            assert!(chunks.iter().all(|chunk| chunk.headings == ["Guide", "Part"]));
            assert!(chunks[0].text.contains("Guide") && chunks[0].text.ends_with("word"));
            assert_eq!(chunks[0].context(), "");
            assert_eq!(chunks[1].context(), "Guide > Part");
        }
    }

    #[test]
    fn wrapped_text_is_cut_between_sentences() {
        let text = "The first sentence goes on for quite a while and then it is\nwrapped here. ".repeat(12);
        for name in ["a.md", "a.txt"] {
            assert!(cut(name, &text, 50).iter().all(|chunk| chunk.text.ends_with("here.")));
        }
    }

    #[test]
    fn the_context_is_the_headings_that_the_text_does_not_contain() {
        let mut chunk = cut("a.md", "# One `code`\n\n## [Two](a.md): b\n\ntext", 100).remove(0);
        chunk.headings = ["Zero", "One code", "Two: b"].map(str::to_owned).to_vec();
        assert_eq!(chunk.passage(), "Zero\n# One `code`\n\n## [Two](a.md): b\n\ntext");
        chunk.headings = vec![words(30), "Inner".to_owned(), words(35)];
        assert_eq!(chunk.context(), format!("Inner > {}", words(35)));
        chunk.headings = vec!["Outer".to_owned(), words(50)];
        assert_eq!(chunk.context(), "Outer");
        let other = Chunk { headings: vec!["Other".to_owned()], ..chunk.clone() };
        assert_ne!(chunk.hash(), other.hash());
    }
}
