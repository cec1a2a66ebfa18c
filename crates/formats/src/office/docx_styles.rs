//! The styles and the list numbering of a DOCX file: which paragraphs are headings, which are
//! items, and what number they show.

use std::collections::HashMap;

use super::xml::{Event, Xml};

/// Styles based on each other deeper than this are a loop.
const MAX_DEPTH: usize = 32;
/// Levels of a list, as the format has them.
const LEVELS: usize = 9;

/// The position of a paragraph in outline and list, given by itself or by its style.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// From 0, the outermost; 9 and above is body text.
    pub(super) outline: Option<u8>,
    /// The list it is in; "0" is none.
    pub(super) list: Option<String>,
    /// How deep in the list, from 0.
    pub(super) list_level: Option<usize>,
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    standing: Standing,
}

/// Paragraph styles by id.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(text: &str) -> Self {
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            match event {
                Event::Open(element) if element.name() == "style" => {
                    open = Some((element.attribute("styleId").unwrap_or_default(), Style::default()));
                }
                Event::Open(element) => {
                    let Some((_, style)) = &mut open else { continue };
                    let value = || element.attribute("val");
                    match element.name() {
                        "name" => style.name = value().unwrap_or_default().to_lowercase(),
                        "basedOn" => style.based_on = value(),
                        "outlineLvl" => style.standing.outline = value().and_then(|it| it.parse().ok()),
                        "numId" => style.standing.list = value(),
                        "ilvl" => style.standing.list_level = value().and_then(|it| it.parse().ok()),
                        _ => {}
                    }
                }
                Event::Close(name) if name == "style" => styles.extend(open.take()),
                _ => {}
            }
        }
        Styles(styles)
    }

    /// What a style says, with what it takes from the styles under it.
    pub(super) fn standing(&self, id: &str) -> Standing {
        let mut standing = Standing::default();
        let mut next = Some(id);
        for _ in 0..MAX_DEPTH {
            let Some(style) = next.and_then(|id| self.0.get(id)) else { break };
            let named = style.name.strip_prefix("heading ").and_then(|level| level.trim().parse::<u8>().ok());
            let named = named.and_then(|level| level.checked_sub(1)).filter(|level| *level < 9);
            standing.outline = standing.outline.or(style.standing.outline).or(named);
            standing.list = standing.list.or_else(|| style.standing.list.clone());
            standing.list_level = standing.list_level.or(style.standing.list_level);
            next = style.based_on.as_deref();
        }
        standing
    }

    /// True for the style of the document's title.
    pub(super) fn is_title(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|style| style.name == "title")
    }

    /// True for a style of entries in a table of contents.
    pub(super) fn is_contents(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|style| {
            style.name.strip_prefix("toc ").is_some_and(|level| level.bytes().all(|byte| byte.is_ascii_digit()))
        })
    }
}

#[derive(Debug, Clone, Default)]
struct ListLevel {
    format: String,
    pattern: String,
    start: u32,
}

/// Lists, and how far each has been counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    abstracts: HashMap<String, Vec<ListLevel>>,
    /// The abstract list of each list.
    lists: HashMap<String, String>,
    /// By abstract list.
    counted: HashMap<String, [u32; LEVELS]>,
}

impl Numbering {
    pub(super) fn read(text: &str) -> Self {
        let mut numbering = Numbering::default();
        let (mut of_abstract, mut of_list) = (String::new(), String::new());
        let mut level = 0;
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next() {
            let Event::Open(element) = event else { continue };
            let value = || element.attribute("val").unwrap_or_default();
            match element.name() {
                "abstractNum" => {
                    of_abstract = element.attribute("abstractNumId").unwrap_or_default();
                    let levels = vec![ListLevel { start: 1, ..ListLevel::default() }; LEVELS];
                    numbering.abstracts.insert(of_abstract.clone(), levels);
                }
                "num" => of_list = element.attribute("numId").unwrap_or_default(),
                "abstractNumId" => _ = numbering.lists.insert(of_list.clone(), value()),
                "lvlOverride" => xml.skip(),
                "lvl" => level = element.attribute("ilvl").and_then(|it| it.parse().ok()).unwrap_or(LEVELS),
                "start" | "numFmt" | "lvlText" => {
                    let levels = numbering.abstracts.get_mut(&of_abstract);
                    let Some(level) = levels.and_then(|levels| levels.get_mut(level)) else { continue };
                    match element.name() {
                        "start" => level.start = value().parse().unwrap_or(1),
                        "numFmt" => level.format = value(),
                        _ => level.pattern = value(),
                    }
                }
                _ => {}
            }
        }
        numbering
    }

    /// Counts one more item; the number that it shows, `None` where that is a bullet.
    pub(super) fn next(&mut self, list: &str, level: usize) -> Option<String> {
        let of_abstract = self.lists.get(list)?;
        let levels = self.abstracts.get(of_abstract)?;
        let own = levels.get(level)?;
        let counted = self.counted.entry(of_abstract.clone()).or_default();
        counted[level] = match counted[level] {
            0 => own.start.max(1),
            before => before.saturating_add(1),
        };
        counted[level + 1..].fill(0);
        if matches!(own.format.as_str(), "bullet" | "none" | "") {
            return None;
        }
        let mut shown = String::new();
        let mut pattern = own.pattern.chars().take(60).peekable();
        while let Some(character) = pattern.next() {
            let digit = pattern.peek().and_then(|next| next.to_digit(10)).filter(|_| character == '%');
            match digit.and_then(|digit| Some((levels.get(digit.checked_sub(1)? as usize)?, digit as usize - 1))) {
                Some((of, at)) => {
                    pattern.next();
                    let number = if counted[at] == 0 { of.start.max(1) } else { counted[at] };
                    shown += &written(number, &of.format);
                }
                None => shown.push(character),
            }
        }
        let shown = crate::clean::clean_lines(&shown);
        (!shown.is_empty()).then_some(shown)
    }
}

fn written(number: u32, format: &str) -> String {
    let letters = |first: char| {
        let letter = char::from_u32(u32::from(first) + (number.max(1) - 1) % 26).unwrap_or(first);
        letter.to_string().repeat(((number.max(1) - 1) / 26 + 1).min(8) as usize)
    };
    match format {
        "lowerLetter" => letters('a'),
        "upperLetter" => letters('A'),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperRoman" => roman(number),
        "decimalZero" => format!("{number:02}"),
        _ => number.to_string(),
    }
}

fn roman(mut number: u32) -> String {
    const SIGNS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if number >= 5000 {
        return number.to_string();
    }
    let mut shown = String::new();
    for (value, sign) in SIGNS {
        while number >= value {
            shown += sign;
            number -= value;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_through_the_styles_they_are_based_on() {
        let styles = Styles::read(
            "<w:styles><w:style w:styleId='berschrift2'><w:name w:val='heading 2'/></w:style>\
             <w:style w:styleId='Mine'><w:name w:val='Mine'/><w:basedOn w:val='berschrift2'/></w:style>\
             <w:style w:styleId='Loop'><w:basedOn w:val='Loop'/></w:style>\
             <w:style w:styleId='T'><w:name w:val='Title'/></w:style>\
             <w:style w:styleId='L3'><w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style></w:styles>",
        );
        let outline = |id| styles.standing(id).outline;
        assert_eq!(["berschrift2", "Mine", "Loop", "L3", "none"].map(outline), [Some(1), Some(1), None, Some(2), None]);
        assert!(styles.is_title("T") && !styles.is_title("Mine"));
    }

    #[test]
    fn items_show_the_numbers_that_a_reader_sees() {
        let mut numbering = Numbering::read(
            "<w:numbering><w:abstractNum w:abstractNumId='5'>\
             <w:lvl w:ilvl='0'><w:start w:val='3'/><w:numFmt w:val='upperRoman'/><w:lvlText w:val='%1.'/></w:lvl>\
             <w:lvl w:ilvl='1'><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%1.%2)'/></w:lvl>\
             <w:lvl w:ilvl='2'><w:numFmt w:val='bullet'/><w:lvlText w:val='o'/></w:lvl></w:abstractNum>\
             <w:num w:numId='1'><w:abstractNumId w:val='5'/></w:num></w:numbering>",
        );
        let shown: Vec<_> = [0, 1, 1, 2, 0, 1, 99].iter().map(|level| numbering.next("1", *level)).collect();
        let shown: Vec<_> = shown.iter().map(|it| it.as_deref().unwrap_or("-")).collect();
        assert_eq!(shown, ["III.", "III.a)", "III.b)", "-", "IV.", "IV.a)", "-"]);
        assert_eq!(numbering.next("7", 0), None);
    }
}
