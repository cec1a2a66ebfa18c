//! Reads the main text of a web page, or all of it if there is no main text.

use crate::document::Document;
use crate::html::{Reader, Show, with_plain_line_ends};
use crate::main_text;

/// The main text of larger pages is not looked for.
const MAX_BYTES: usize = 4 << 20;

/// Reads HTML like [`crate::html::read`], but only its main text if it has one.
pub(crate) fn read(html: &str) -> Document {
    let html = with_plain_line_ends(html);
    let whole = Reader::read_whole(&html);
    let page = (html.len() <= MAX_BYTES && whole.tree_size.is_small_enough())
        .then(|| main_text::find(&html, &whole.text_nodes))
        .flatten();
    let Some(page) = page else {
        return whole.finish();
    };
    let mut document = match &page.kept {
        Some(kept) => Reader::read(&html, Show::Only(kept)).finish(),
        None => whole.finish(),
    };
    document.metadata = page.metadata;
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html;

    const ARTICLE: &str =
        "<html lang=en><head><title>Kinglets — Birds Daily</title><meta name=author content='A. Finch'>
<meta property='article:published_time' content='2024-05-01'></head><body>
<div class=menu><ul><li><a href=/>Home</a><li><a href=/birds>Birds</a></ul></div>
<div class=article><h2>Small birds</h2>
<p>Kinglets are among the smallest of birds, and they weigh about as much as a coin, or two sheets of paper.
They live in woods of spruce, fir and pine, where they hang from twigs and look for insects, spiders and eggs.</p>
<p>In winter, they sleep close together, in rows, and so they lose less heat than they would, each on its own.
Their song is so high that many people, above all older ones, do not hear it at all, however near they stand.</p></div>
<div class='share sidebar'><p>Share this</p><p><a href=/1>Ten birds that you will not believe</a></p></div></body>";

    #[test]
    fn only_the_main_text_of_an_article_is_read() {
        let document = read(ARTICLE);
        let lines: Vec<_> =
            document.text.lines().zip(document.locations.unwrap()).filter(|it| !it.0.is_empty()).collect();
        let shown: Vec<_> = lines.iter().map(|(line, location)| (&line[..11], *location)).collect();
        assert_eq!(
            shown,
            [("Small birds", 4), ("Kinglets ar", 5), ("They live i", 6), ("In winter, ", 7), ("Their song ", 8)]
        );
        assert_eq!(document.sections[0].headings, ["Kinglets — Birds Daily", "Small birds"]);
        let told: Vec<_> = document.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert!(told.contains(&("author", "A. Finch")) && told.contains(&("date", "2024-05-01")), "{told:?}");
        assert!(told.contains(&("language", "en")), "{told:?}");
        assert!(html::read(ARTICLE).text.contains("Share this"));
    }

    #[test]
    fn a_page_without_a_main_text_is_read_whole() {
        let rows: String = (0..60).map(|n| format!("<tr><td>steel {n}<td>{n} mm<td>{n} kg</tr>")).collect();
        let page = format!("<body><p>{}</p><table>{rows}</table>", "A note, of some length. ".repeat(6));
        assert!(read(&page).text.ends_with("steel 59 | 59 mm | 59 kg"));
        let index: String = (0..200).map(|n| format!("<li><a href=/{n}>Document {n}</a>")).collect();
        assert!(read(&format!("<ul>{index}</ul>")).text.ends_with("- Document 199"));
    }

    #[test]
    fn deep_wide_and_broken_pages_are_read_in_proportion() {
        let pages = [
            "<div>".repeat(100_000),
            "<table><tr><td>".repeat(5_000),
            (0..5_000).map(|n| format!("<font size={n}><p>")).collect(),
            format!("<p {}>", (0..20_000).map(|n| format!("a{n}=1 ")).collect::<String>()),
            "<p>x".repeat(60_000),
        ];
        for page in pages {
            assert!(read(&format!("{page}The end")).text.ends_with("The end"));
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn any_soup_is_read_with_a_place_for_each_line(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "<p>", "</p>", "<div>", "</div>", "<table>", "<td>", "</table>", "<b>", "</i>", "<a href=x>", "</a>", "<li>",
                    "<script>", "</script>", "<title>", "<pre>", "\n", "&amp;", "&#0;", "é, and so on ", "words of a page. ", "<!--",
                    "-->", "<svg>", "<select>", "<body>", "</html>", "<h1>", "<br/>", "<form hidden>", "<", "\u{f0001}",
                ]),
                0..80,
            )
        ) {
            let document = read(&pieces.concat());
            let locations = document.locations.unwrap();
            assert_eq!(locations.len(), document.text.split('\n').count());
            assert!(locations.is_sorted() && locations[0] >= 1);
        }
    }
}
