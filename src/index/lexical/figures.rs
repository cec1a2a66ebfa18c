//! Numbers and dates in one form each, so that their usual forms find each other.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::{Captures, Regex};

use super::analyzer::Term;
use crate::text::Span;

/// Digits in groups of three: `4,740`, `4.740`, `4'740`, `4 740`; then a fraction, after the other
/// sign.
static GROUPED: LazyLock<Regex> = LazyLock::new(|| {
    let (commas, points) = (r"(?:,[0-9]{3})+(?:\.[0-9]+)?", r"(?:\.[0-9]{3})+(?:,[0-9]+)?");
    let spaces = r"(?:['’ \u{a0}\u{202f}\u{2009}][0-9]{3})+(?:[.,][0-9]+)?";
    compiled(&format!(r"[0-9]{{1,3}}(?:{commas}|{points}|{spaces})"))
});
/// A number with a fraction: `96,50` and `96.50`.
static DECIMAL: LazyLock<Regex> = LazyLock::new(|| compiled(r"[0-9]+[.,][0-9]{1,2}"));
static DATES: LazyLock<[(Regex, Order); 6]> = LazyLock::new(|| {
    let month = r"(\p{L}{3,10})\.?";
    let ordinal = r"([0-9]{1,2})(?:st|nd|rd|th|er|\.)?";
    [
        (compiled(r"([0-9]{4})([-./])([0-9]{1,2})[-./]([0-9]{1,2})"), Order::YearMonthDay),
        (compiled(r"([0-9]{1,2})([-./])([0-9]{1,2})[-./]([0-9]{4})"), Order::Numbers),
        (compiled(r"([0-9]{2})([./])([0-9]{2})[./]([0-9]{2})"), Order::Numbers),
        (
            compiled(&format!(r"{ordinal}\s+(?:of\s+|de\s+)?{month},?(?:\s+(?:de\s+)?([0-9]{{4}}))?")),
            Order::DayMonthYear,
        ),
        (compiled(&format!(r"{month}\s+{ordinal}(?:,?\s+([0-9]{{4}}))?")), Order::MonthDayYear),
        (compiled(&format!(r"{month},?\s+(?:de\s+)?([0-9]{{4}})")), Order::MonthYear),
    ]
});

/// The order of the parts of a written date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    YearMonthDay,
    /// Day and month, or month and day, then the year.
    Numbers,
    DayMonthYear,
    MonthDayYear,
    MonthYear,
}

/// The names of the months, January first, in English, German, French, Spanish, Italian, Portuguese
/// and Dutch. Three letters are enough in English.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "janvier", "enero", "gennaio", "janeiro", "januari", "jan"],
    &["february", "februar", "février", "febrero", "febbraio", "fevereiro", "februari", "feb"],
    &["march", "märz", "mars", "marzo", "março", "maart", "mar"],
    &["april", "avril", "abril", "aprile", "apr"],
    &["may", "mai", "mayo", "maggio", "maio", "mei"],
    &["june", "juni", "juin", "junio", "giugno", "junho", "jun"],
    &["july", "juli", "juillet", "julio", "luglio", "julho", "jul"],
    &["august", "août", "agosto", "augustus", "aug"],
    &["september", "septembre", "septiembre", "settembre", "setembro", "sept", "sep"],
    &["october", "oktober", "octobre", "octubre", "ottobre", "outubro", "oct"],
    &["november", "novembre", "noviembre", "novembro", "nov"],
    &["december", "dezember", "décembre", "diciembre", "dicembre", "dezembro", "dec"],
];

/// The numbers and dates of `text`, ordered by their start: a number in groups of three without its
/// separators (`4740`), a date as `2026-03-12`, its month as `2026-03`, its day of a year as
/// `--03-12`. A date like 3/12/2026 gets both of its meanings.
pub fn figures(text: &str) -> Vec<Term> {
    if !text.contains(|character: char| character.is_ascii_digit()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for grouped in GROUPED.find_iter(text).filter(|it| stands_alone(text, it.start(), it.end())) {
        let span = Span { start: grouped.start(), end: grouped.end() };
        found.extend(without_separators(grouped.as_str()).into_iter().map(|text| Term { text, span }));
    }
    for decimal in DECIMAL.find_iter(text).filter(|it| stands_alone(text, it.start(), it.end())) {
        let span = Span { start: decimal.start(), end: decimal.end() };
        let (whole, fraction) = decimal.as_str().split_once(['.', ',']).expect("the pattern has a sign");
        found.extend(with_fraction(whole, fraction).into_iter().map(|text| Term { text, span }));
    }
    for (pattern, order) in DATES.iter() {
        for date in pattern.captures_iter(text) {
            let whole = date.get(0).expect("a match has a whole");
            if stands_alone(text, whole.start(), whole.end()) {
                let span = Span { start: whole.start(), end: whole.end() };
                found.extend(forms(&date, *order).into_iter().map(|text| Term { text, span }));
            }
        }
    }
    found.sort_by(|a, b| (a.span.start, &a.text).cmp(&(b.span.start, &b.text)));
    // A date with a day has a month too, which another pattern finds in it.
    let is_within = |a: &Term, b: &Term| b.span.start <= a.span.start && a.span.end <= b.span.end && a.text == b.text;
    let mut figures: Vec<Term> = Vec::new();
    for figure in found {
        if !figures.iter().rev().take_while(|it| it.span.end > figure.span.start).any(|it| is_within(&figure, it)) {
            figures.push(figure);
        }
    }
    figures
}

/// A number or a date of a text.
pub struct Figure {
    /// Its place in the text.
    pub span: Span,
    /// Its most exact forms, at least one: a day and not its month, a number with its fraction. A
    /// date with two meanings has two.
    pub forms: Vec<String>,
}

/// Each number and each date of `text` once.
pub fn exact_figures(text: &str) -> Vec<Figure> {
    let mut exact: Vec<Figure> = Vec::new();
    for Term { text, span } in figures(text) {
        match exact.iter_mut().find(|known| known.span.start < span.end && span.start < known.span.end) {
            Some(known) if known.span == span && known.forms[0].len() == text.len() => known.forms.push(text),
            Some(known) if known.forms[0].len() < text.len() => *known = Figure { span, forms: vec![text] },
            Some(_) => {}
            None => exact.push(Figure { span, forms: vec![text] }),
        }
    }
    exact
}

/// True if the characters around do not continue what is between the offsets.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    let mut before = text[..start].chars().rev();
    let mut after = text[end..].chars();
    let continues = |joint: Option<char>, next: Option<char>| {
        joint.is_some_and(joins)
            || joint.is_some_and(|c| matches!(c, '.' | ',')) && next.is_some_and(|c| c.is_ascii_digit())
    };
    !continues(before.next(), before.next()) && !continues(after.next(), after.next())
}

/// `1.234,56` → `1234.56`.
fn without_separators(written: &str) -> Vec<String> {
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).collect::<String>();
    let separator = written.chars().find(|c| !c.is_ascii_digit());
    let last =
        written.rfind(|c: char| !c.is_ascii_digit()).filter(|&at| !written[at..].starts_with(separator.unwrap_or('.')));
    match last {
        Some(at) => with_fraction(&digits(&written[..at]), &digits(&written[at..])),
        None => vec![digits(written)],
    }
}

/// `1234.56`; and `1234` if the fraction is nothing.
fn with_fraction(whole: &str, fraction: &str) -> Vec<String> {
    let is_nothing = fraction.chars().all(|digit| digit == '0');
    let mut forms = vec![format!("{whole}.{fraction}")];
    forms.extend(is_nothing.then(|| whole.to_string()));
    forms
}

/// The forms of a date that was matched in this order; none if there is no such day.
fn forms(date: &Captures<'_>, order: Order) -> Vec<String> {
    let number = |group: usize| date.get(group).and_then(|part| part.as_str().parse::<i16>().ok());
    let month = |group: usize| date.get(group).and_then(|name| month_named(name.as_str()));
    // "Table 2 may show" is no date.
    let may_be_a_verb =
        |group: usize| date.get(3).is_none() && date.get(group).is_some_and(|name| name.as_str() == "may");
    let year = |group: usize| match number(group) {
        Some(short) if date.get(group).is_some_and(|part| part.len() == 2) => {
            Some(if short < 70 { 2000 + short } else { 1900 + short })
        }
        year => year,
    };
    match order {
        Order::YearMonthDay => day(number(1), number(3), number(4)),
        Order::Numbers => {
            let mut forms = day(year(4), number(3), number(1));
            // Points stand in dates that begin with the day.
            if date.get(2).is_none_or(|sign| sign.as_str() != ".") {
                forms.extend(day(year(4), number(1), number(3)));
            }
            forms
        }
        Order::DayMonthYear if !may_be_a_verb(2) => day(number(3), month(2), number(1)),
        Order::MonthDayYear if !may_be_a_verb(1) => day(number(3), month(1), number(2)),
        Order::DayMonthYear | Order::MonthDayYear => Vec::new(),
        Order::MonthYear => match (month(1), number(2)) {
            (Some(month), Some(year)) => vec![format!("{year:04}-{month:02}")],
            _ => Vec::new(),
        },
    }
}

/// A day, its month and its place in every year; without a year only the latter. None if there is
/// no such day.
fn day(year: Option<i16>, month: Option<i16>, day: Option<i16>) -> Vec<String> {
    const LEAP_YEAR: i16 = 2000;
    let (Some(month), Some(day)) = (month, day) else { return Vec::new() };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return Vec::new() };
    if Date::new(year.unwrap_or(LEAP_YEAR), month, day).is_err() {
        return Vec::new();
    }
    let of_year = format!("--{month:02}-{day:02}");
    match year {
        Some(year) => vec![format!("{year:04}-{month:02}-{day:02}"), format!("{year:04}-{month:02}"), of_year],
        None => vec![of_year],
    }
}

fn month_named(name: &str) -> Option<i16> {
    let name = name.to_lowercase();
    (1..).zip(MONTHS).find_map(|(number, names)| names.contains(&name.as_str()).then_some(number))
}

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        figures(text).into_iter().map(|term| term.text).collect()
    }

    #[test]
    fn numbers_lose_their_separators() {
        for written in ["4,740", "4.740", "4'740", "4\u{202f}740", "4 740", "EUR 4,740.", "(4.740)"] {
            assert_eq!(texts(written), ["4740"], "{written}");
        }
        assert_eq!(texts("1,234,567 and 17,606"), ["1234567", "17606"]);
        assert_eq!(texts("1,234.56"), ["1234.56"]);
        assert_eq!(texts("1.234,56"), ["1234.56"]);
        assert_eq!(texts("4,740.00"), ["4740", "4740.00"]);
        assert_eq!(texts("96,50 and 96.50 and 240,00"), ["96.50", "96.50", "240", "240.00"]);
        for other in ["4740", "1.0.21", "v4.740", "4,7401", "4.740-1", "1,234,56", "3.1415"] {
            assert_eq!(texts(other), Vec::<String>::new(), "{other}");
        }
    }

    #[test]
    fn dates_have_one_form() {
        for written in [
            "2026-03-12",
            "12 March 2026",
            "March 12, 2026",
            "12.03.2026",
            "12. März 2026",
            "12 Mar 2026",
            "Mar. 12 2026",
            "12th of March 2026",
            "12 mars 2026",
            "12 de marzo de 2026",
            "12.3.2026",
            "2026/03/12",
            "12.03.26",
        ] {
            assert_eq!(texts(written), ["--03-12", "2026-03", "2026-03-12"], "{written}");
        }
        assert!(
            texts("03/12/2026").contains(&"2026-03-12".into()) && texts("12/03/2026").contains(&"2026-03-12".into())
        );
        assert_eq!(texts("in March 2026"), ["2026-03"]);
        assert_eq!(texts("on 12 March"), ["--03-12"]);
        for other in ["2026-13-01", "30 February 2026", "12 sheep 2026", "version 1.2.3", "PO-2026-0417"] {
            assert!(!texts(other).iter().any(|form| form.len() == 10), "{other}: {:?}", texts(other));
        }
    }

    proptest! {
        #[test]
        fn any_text_has_figures_with_spans_inside(text in "[0-9.,'/ aJMarch-]{0,60}|.{0,60}") {
            for figure in figures(&text) {
                prop_assert!(text.get(figure.span.start..figure.span.end).is_some_and(|part| !part.is_empty()));
            }
        }
    }
}
