//! How a workbook shows numbers: which of its styles make dates, spans of time and shares of them.

use super::sheets;
use super::workbook::date;
use super::xml::{Event, Xml};

/// What a number is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shown {
    #[default]
    Number,
    /// In hundredths.
    Share,
    /// A date, a time of day or both.
    Date,
    /// Hours that have passed.
    Duration,
}

impl Shown {
    /// The number as it is shown, see [`date`] for dates.
    pub(super) fn write(self, number: f64, from_1904: bool) -> String {
        match self {
            Shown::Number => sheets::number(number),
            Shown::Share => format!("{}%", sheets::number(number * 100.0)),
            Shown::Date | Shown::Duration => date(number, self == Shown::Duration, from_1904),
        }
    }
}

/// By the numbers that cells have for their styles.
pub(super) fn styles(text: &str) -> Vec<Shown> {
    let mut formats = std::collections::HashMap::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    let mut xml = Xml::new(text);
    while let Some(event) = xml.next() {
        match event {
            Event::Open(element) => match element.name() {
                "numFmt" => {
                    if let (Some(id), Some(code)) = (element.attribute("numFmtId"), element.attribute("formatCode")) {
                        formats.insert(id, of_code(&code));
                    }
                }
                "cellXfs" => in_cells = true,
                "xf" if in_cells => {
                    let id = element.attribute("numFmtId").unwrap_or_default();
                    styles.push(formats.get(&id).copied().unwrap_or_else(|| built_in(id.parse().unwrap_or(0))));
                }
                _ => {}
            },
            Event::Close(name) if name == "cellXfs" => in_cells = false,
            _ => {}
        }
    }
    styles
}

/// The formats that every workbook has.
pub(super) fn built_in(id: u32) -> Shown {
    match id {
        9 | 10 => Shown::Share,
        46 => Shown::Duration,
        14..=22 | 27..=36 | 45 | 47 | 50..=58 => Shown::Date,
        _ => Shown::Number,
    }
}

/// What a code of a format makes of numbers.
pub(super) fn of_code(code: &str) -> Shown {
    let mut shown = Shown::Number;
    // Only the form for positive numbers counts.
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => break,
            '"' => _ = characters.find(|it| *it == '"'),
            '\\' | '_' | '*' => _ = characters.next(),
            '[' => {
                let inside: String = characters.by_ref().take_while(|it| *it != ']').collect();
                if !inside.is_empty() && inside.chars().all(|it| "hmsHMS".contains(it)) {
                    return Shown::Duration;
                }
            }
            '%' => shown = Shown::Share,
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => return Shown::Date,
            // The one word that stands for itself: General.
            'G' | 'g' => _ = characters.nth("eneral".len() - 1),
            _ => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_dates_from_numbers() {
        for (code, shown) in [
            ("General", Shown::Number),
            ("#,##0.00\\ \"days\"", Shown::Number),
            ("[Red]0.0_);(0.0)", Shown::Number),
            ("0.0%", Shown::Share),
            ("[$-409]d\\-mmm\\-yy;@", Shown::Date),
            ("h:mm AM/PM", Shown::Date),
            ("[h]:mm:ss", Shown::Duration),
        ] {
            assert_eq!(of_code(code), shown, "{code}");
        }
    }
}
