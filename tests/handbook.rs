//! What the handbook says is what the program does: every number in it that is a setting is taken from the program here, and a number
//! that stands in none of these lists is a failure.

use std::collections::BTreeMap;
use std::path::Path;

use kinglet::config::Config;

/// Sentences with a setting in them, `{}` in its place, by page.
const SETTINGS: &[(&str, &str, Setting)] = &[
    ("asking.md", "the best {} passages", Configured("passages")),
    ("asking.md", "cut off after {} tokens", Configured("answer_tokens")),
    ("asking.md", "exits with code {}. The language model is not asked", Constant("bin/kinglet/run.rs", "REFUSED")),
    ("asking.md", "kinglet exits with code {}. Nothing has to be kept", Constant("bin/kinglet/run.rs", "INTERRUPTED")),
    ("comparing.md", "the {} % interval of the difference", Percent("eval/bootstrap.rs", "CONFIDENCE")),
    ("comparing.md", "is below {}. Kinglet then", Constant("eval/significance.rs", "LEVEL")),
    ("comparing.md", "from {} draws", Constant("eval/bootstrap.rs", "RESAMPLES")),
    ("comparing.md", "the seed {}", Constant("eval/bootstrap.rs", "SEED")),
    ("configuration.md", "looks at up to {} chunks", Constant("ingest.rs", "CHUNKS_FOR_LANGUAGE")),
    ("configuration.md", "that is read, {} MiB unless", Configured("max_file_mib")),
    ("file-formats.md", "to a depth of {}. Encrypted mail", Constant("corpus/formats/mail/mod.rs", "MAX_DEPTH")),
    ("how-retrieval-works.md", "At most {} tokens of headings", Constant("chunk.rs", "MAX_CONTEXT_TOKENS")),
    ("how-retrieval-works.md", "gives its best {} chunks with scores", Constant("search/fusion.rs", "DEPTH")),
    ("how-retrieval-works.md", "Up to {} chunks kinglet compares", Constant("index/mod.rs", "EXACT_LIMIT")),
    ("how-retrieval-works.md", "the best chunks, {} unless you set", Configured("passages")),
    ("privacy.md", "(at most {} unless you set more)", Configured("passages")),
    ("searching.md", "The default is {}; change it", Configured("hits")),
];

/// Numbers that are no settings, with some words around them: facts about the world, measured figures, and what a convention fixes.
const FACTS: &[(&str, &str)] = &[("asking.md", "there was no passage 7"), ("install.md", "Rust 1.92 or later")];

/// Where a number of the program stands.
#[derive(Clone, Copy)]
enum Setting {
    /// A setting's default.
    Configured(&'static str),
    /// A constant in a file under `src/`; sizes and times in the unit that the sentence names.
    Constant(&'static str, &'static str),
    /// A share, in percent.
    Percent(&'static str, &'static str),
    /// Bytes, in MiB.
    Mebibytes(&'static str, &'static str),
}

use Setting::{Configured, Constant, Mebibytes, Percent};

impl Setting {
    /// As the handbook writes it: thousands with commas.
    fn written(self) -> String {
        match self {
            Configured(key) => {
                let defaults = serde_json::to_value(Config::default()).unwrap();
                defaults[key].as_u64().unwrap_or_else(|| panic!("`{key}` is a number")).to_string()
            }
            Constant(file, name) => number(constant(file, name)),
            Percent(file, name) => number((constant(file, name) * 100.0).round()),
            Mebibytes(file, name) => number(constant(file, name) / f64::from(1 << 20)),
        }
    }
}

/// The value of a constant: a number, a product, a shift, or a duration in seconds.
fn constant(file: &str, name: &str) -> f64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let start = source.find(&format!("const {name}: ")).unwrap_or_else(|| panic!("{file} has no constant {name}"));
    let (_, value) = source[start..].split_once(" = ").unwrap();
    let (value, _) = value.split_once(';').unwrap();
    evaluated(value).unwrap_or_else(|| panic!("{file}: {name} = {value}"))
}

fn evaluated(value: &str) -> Option<f64> {
    let plain = |text: &str| text.trim().replace('_', "").parse::<f64>().ok();
    if let Some((left, right)) = value.split_once("<<") {
        return Some(plain(left)? * 2f64.powf(plain(right)?));
    }
    if let Some((left, right)) = value.split_once('*') {
        return Some(plain(left)? * plain(right)?);
    }
    if let Some(seconds) = value.trim().strip_prefix("Duration::from_secs(") {
        return plain(seconds.strip_suffix(')')?);
    }
    if let Some(milliseconds) = value.trim().strip_prefix("Duration::from_millis(") {
        return Some(plain(milliseconds.strip_suffix(')')?)? / 1000.0);
    }
    plain(value)
}

fn number(value: f64) -> String {
    if value.fract() != 0.0 {
        return value.to_string();
    }
    let digits = (value as u64).to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap());
    groups.collect::<Vec<_>>().join(",")
}

/// The prose of each page by its name: without code, and without tables, whose figures are measured or are tested on their own.
fn pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/handbook");
    let mut pages = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let mut prose = String::new();
        let mut in_code = false;
        for line in text.lines() {
            in_code ^= line.starts_with("```");
            if !in_code && !line.starts_with('|') {
                prose.extend(line.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "`" }));
                prose.push('\n');
            }
        }
        pages.insert(entry.file_name().into_string().unwrap(), prose);
    }
    pages
}

/// The words that are plain numbers, each with the words beside it.
fn numbers(prose: &str) -> Vec<String> {
    let words: Vec<&str> = prose.split_whitespace().collect();
    let is_number = |word: &str| {
        let plain = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        !plain.is_empty() && plain.chars().all(|c| c.is_ascii_digit() || ".,".contains(c))
    };
    let around = |at: usize| words[at.saturating_sub(5)..words.len().min(at + 6)].join(" ");
    (0..words.len()).filter(|&at| is_number(words[at])).map(around).collect()
}

#[test]
fn every_number_in_the_handbook_that_is_a_setting_is_the_program_s() {
    let mut pages = pages();
    for (page, sentence, setting) in SETTINGS {
        let said = sentence.replace("{}", &setting.written());
        let prose = pages.get_mut(*page).unwrap();
        assert!(prose.contains(&said), "{page} does not say \"{said}\", which is what the program does");
        *prose = prose.replace(&said, "");
    }
    for (page, fact) in FACTS {
        let prose = pages.get_mut(*page).unwrap();
        assert!(prose.contains(fact), "{page} does not say \"{fact}\" any more: take it out of the list");
        *prose = prose.replace(fact, "");
    }
    let left: Vec<String> =
        pages.iter().flat_map(|(page, prose)| numbers(prose).into_iter().map(move |found| format!("{page}: … {found} …"))).collect();
    assert!(left.is_empty(), "numbers that nothing holds; put each into SETTINGS, or into FACTS:\n{}", left.join("\n"));
}

/// The table of settings has each of them once, with its default.
#[test]
fn the_table_of_settings_is_that_of_the_program() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/handbook/configuration.md")).unwrap();
    let mut told = BTreeMap::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        told.insert(cells[0].trim_end_matches('`').to_string(), cells[1].trim_matches('`').to_string());
    }
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (key, value) in defaults.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        assert_eq!(told.get(key), Some(&value), "the default of `{key}`");
    }
}
