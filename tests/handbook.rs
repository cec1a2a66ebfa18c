//! The handbook agrees with the program: every number in it that is a setting is compared with the
//! program, and a number that is in none of these lists fails the test.

use std::collections::BTreeMap;
use std::path::Path;

use kinglet::config::{ChunkSize, Config};
use kinglet::index::fusion_weights::FusionWeights;
use kinglet::language::Language;
use kinglet_formats::LIMITS;

/// Sentences with a setting, each with its page; `{}` stands for the value.
const SETTINGS: &[(&str, &str, Setting)] = &[
    ("asking.md", "exits with code {}, without asking", Constant("bin/kinglet/run.rs", "REFUSED")),
    ("asking.md", "has less than {} % of the question's words", Percent("models/prompt.rs", "LEAST_COVERAGE")),
    ("asking.md", "its confidence is not above {}. The", Constant("answer/cascade.rs", "DOUBTFUL")),
    (
        "asking.md",
        "fewer than {} billion parameters",
        Computed(|| constant("models/llama/mod.rs", "GUIDED_BELOW") / 1e9),
    ),
    ("asking.md", "the best {} passages", Configured("passages")),
    ("asking.md", "and at most {} more that fit", Spelled("models/extractive.rs", "MAX_FURTHER")),
    ("asking.md", "choose between the {} best quotes", Spelled("models/prompt.rs", "MAX_CHOICES")),
    ("asking.md", "until they have {} tokens", Configured("budget")),
    ("asking.md", "cut off after {} tokens", Configured("answer_tokens")),
    ("asking.md", "exits with code {}. Nothing needs to be cleaned", Constant("bin/kinglet/run.rs", "INTERRUPTED")),
    ("comparing.md", "is below {}. It calls", Constant("eval/significance.rs", "LEVEL")),
    ("comparing.md", "difference lies within {} of", Constant("eval/significance.rs", "MARGIN")),
    ("comparing.md", "only from {} questions on", Constant("eval/significance.rs", "FEWEST_FOR_EQUIVALENCE")),
    ("comparing.md", "beyond {} the verdict says", Constant("eval/significance.rs", "MOST_MORE")),
    ("comparing.md", "from {} draws", Constant("eval/bootstrap.rs", "RESAMPLES")),
    ("comparing.md", "the seed {}", Constant("eval/bootstrap.rs", "SEED")),
    ("comparing.md", "With fewer than {} questions no", Spelled("eval/significance.rs", "FEWEST")),
    ("configuration.md", "exit code {}, ", Constant("bin/kinglet/run.rs", "FAILED")),
    ("configuration.md", "at up to {} chunks", Constant("ingest/description.rs", "CHUNKS_FOR_LANGUAGE")),
    ("configuration.md", "With {}, the default, each model", Configured("threads")),
    ("configuration.md", "that is read, {} MiB unless", Configured("max_file_mib")),
    ("configuration.md", "of at most about {} tokens", Computed(|| most_tokens(ChunkSize::Standard))),
    ("configuration.md", "they have at most {} tokens", Computed(|| most_tokens(ChunkSize::Short))),
    ("configuration.md", ", with ` {}, which", Computed(|| most_tokens(ChunkSize::Long))),
    ("file-formats.md", "to a depth of {}. Encrypted", Constant("crates/formats/src/limits.rs", "LETTER_DEPTH")),
    (
        "file-formats.md",
        "files of more than {} MiB are cut between",
        Mebibytes("crates/formats/src/code/mod.rs", "MAX_BYTES"),
    ),
    ("file-formats.md", "larger than {} MiB are skipped", Configured("max_file_mib")),
    ("file-formats.md", "mailboxes of {} MiB and more", Mebibytes("extract/long_file.rs", "LONG_BYTES")),
    ("file-formats.md", "to a depth of {} nested elements", Constant("crates/formats/src/html_limits.rs", "MAX_DEPTH")),
    ("how-retrieval-works.md", "of at most about {} tokens", Computed(|| most_tokens(ChunkSize::Standard))),
    ("how-retrieval-works.md", "At most {} tokens of headings", Constant("chunking/mod.rs", "MAX_CONTEXT_TOKENS")),
    ("how-retrieval-works.md", "its best {} chunks with scores", Constant("search/fusion.rs", "DEPTH")),
    ("how-retrieval-works.md", "full with {} chunks", Constant("search/fusion.rs", "DEPTH")),
    (
        "how-retrieval-works.md",
        "for the best {} hits: for each token",
        Computed(|| FusionWeights::default().depth as f64),
    ),
    (
        "how-retrieval-works.md",
        "of at most {} GiB for an embedder",
        Gibibytes("index/token_vectors.rs", "LARGEST_BYTES"),
    ),
    ("how-retrieval-works.md", "Each of the best {} hits gets", Computed(|| FusionWeights::default().depth as f64)),
    (
        "how-retrieval-works.md",
        " {} % of its score from itself",
        Computed(|| percent(1.0 - FusionWeights::default().score_regularization)),
    ),
    ("how-retrieval-works.md", "and {} % from", Computed(|| percent(FusionWeights::default().score_regularization))),
    ("how-retrieval-works.md", "Up to {} chunks kinglet compares", Constant("index/mod.rs", "EXACT_LIMIT")),
    ("how-retrieval-works.md", "takes the best chunks, {} unless you set", Configured("passages")),
    ("how-retrieval-works.md", "the {} hits among them", Spelled("search/score_regularization.rs", "NEIGHBOURS")),
    ("how-retrieval-works.md", "over the best {} hits of each", Computed(|| FusionWeights::default().depth as f64)),
    (
        "how-retrieval-works.md",
        "score of the {} hits that are",
        Spelled("search/score_regularization.rs", "NEIGHBOURS"),
    ),
    ("how-retrieval-works.md", "fewer than {} different hits", Constant("search/leg_weights.rs", "LEAST_PASSAGES")),
    ("how-retrieval-works.md", "among their first {}", Constant("search/confidence.rs", "AGREEING")),
    ("how-retrieval-works.md", "in up to {} sentences", Spelled("answer/grounding.rs", "MAX_CITED")),
    ("how-retrieval-works.md", "at least {} % of the weight", Percent("answer/grounding.rs", "ENOUGH")),
    ("how-retrieval-works.md", "headings counts {} %", Percent("answer/grounding.rs", "NEARBY")),
    ("how-retrieval-works.md", "exits with code {}", Constant("bin/kinglet/run.rs", "REFUSED")),
    (
        "how-retrieval-works.md",
        "fewer than {} billion parameters",
        Computed(|| constant("models/llama/mod.rs", "GUIDED_BELOW") / 1e9),
    ),
    ("indexing.md", "chunks of about {} tokens", Computed(|| most_tokens(ChunkSize::Standard))),
    ("indexing.md", "of more than {} chunks, linking", Constant("index/mod.rs", "EXACT_LIMIT")),
    ("indexing.md", "every {} seconds in a long run", Constant("ingest/mod.rs", "CHECKPOINT")),
    ("indexing.md", "searchable every {} seconds too", Constant("ingest/mod.rs", "CHECKPOINT")),
    ("indexing.md", "a line every {} seconds", Constant("bin/kinglet/progress.rs", "LINE_EVERY")),
    ("indexing.md", "lists up to {} skipped files", Constant("bin/kinglet/render/indexes.rs", "SHOWN_SKIPPED")),
    ("indexing.md", "changed for {} seconds", Constant("scan/watch.rs", "QUIET")),
    ("indexing.md", "it runs every {} seconds", Constant("scan/watch.rs", "LONGEST")),
    ("indexing.md", "exits with code {}", Constant("bin/kinglet/run.rs", "INTERRUPTED")),
    ("indexing.md", "at most the last {} seconds", Constant("ingest/mod.rs", "CHECKPOINT")),
    ("indexing.md", "` ({} MiB unless you set it)", Configured("max_file_mib")),
    ("indexing.md", "may take {} MiB of memory", Mebibytes("extract/worker_process.rs", "MEMORY_BYTES")),
    ("indexing.md", "works for {} seconds of processor time", Constant("extract/timeouts.rs", "stalled_cpu_time")),
    ("indexing.md", "up to {} minutes", Computed(|| constant("extract/timeouts.rs", "stalled_wall_time") / 60.0)),
    ("indexing.md", "after {} tries it is left", Constant("ingest/read_files.rs", "MAX_TRIES")),
    ("install.md", "exit code {} and print", Constant("bin/kinglet/run.rs", "FAILED")),
    ("install.md", "writes and reads format {}", Constant("index/manifest/mod.rs", "FORMAT")),
    ("install.md", "writes it in format {}", Constant("index/manifest/mod.rs", "FORMAT")),
    ("json.md", "exits with {}. A refused question", Constant("bin/kinglet/run.rs", "NOTHING_FOUND")),
    ("json.md", "exits with {}. An answer with", Constant("bin/kinglet/run.rs", "REFUSED")),
    ("json.md", "still exits with {}", Constant("bin/kinglet/run.rs", "DONE")),
    ("json.md", "The exit code is {} when any", Constant("bin/kinglet/run.rs", "FAILED")),
    ("json.md", "among the best {} and share", Constant("search/results.rs", "COUNTED")),
    ("models.md", "choose between the {} best quotes", Spelled("models/prompt.rs", "MAX_CHOICES")),
    (
        "models.md",
        "fewer than {} million parameters",
        Computed(|| constant("models/llama/mod.rs", "CHOOSES_BELOW") / 1e6),
    ),
    ("models.md", "chunks of at most {} tokens", Computed(|| most_tokens(ChunkSize::Standard))),
    ("models.md", "adds at most {} tokens of headings", Constant("chunking/mod.rs", "MAX_CONTEXT_TOKENS")),
    ("privacy.md", "(at most {} unless you set more)", Configured("passages")),
    ("searching.md", "The default is {}; change it", Configured("hits")),
    ("searching.md", "among its best {} chunks", Constant("search/fusion.rs", "DEPTH")),
    ("searching.md", "1 / ({} + rank)", Constant("search/fusion.rs", "RRF_K")),
    ("searching.md", "to the best {} hits", Computed(|| FusionWeights::default().depth as f64)),
    ("searching.md", "among the best {} and share", Constant("search/results.rs", "COUNTED")),
    ("searching.md", "exits with code {}", Constant("bin/kinglet/run.rs", "NOTHING_FOUND")),
    ("searching.md", "It knows {} languages", Computed(|| (Language::ALL.len() - 1) as f64)),
    ("troubleshooting.md", "ends the command with exit code {}", Constant("bin/kinglet/run.rs", "FAILED")),
    ("troubleshooting.md", "embeds up to {} chunks again", Constant("engine/doctor.rs", "DOCTOR_SAMPLE")),
    ("troubleshooting.md", "wrong the exit code is {}", Constant("bin/kinglet/run.rs", "FAILED")),
    ("troubleshooting.md", "The exit code is {}. Run", Constant("bin/kinglet/run.rs", "INTERRUPTED")),
];

/// Numbers that are not settings, with some words around them: facts about the world, measured
/// figures, and numbers that a definition fixes.
const FACTS: &[(&str, &str)] = &[
    ("asking.md", "there was no passage 7"),
    ("searching.md", "4740 finds \"4,740\" and \"4.740\", and 12 March 2026"),
    ("asking.md", "questions of SQuAD 2"),
    ("asking.md", "if source 2 says the opposite"),
    ("checking.md", "the exit code is 0, otherwise 1, so"),
    ("checking.md", "has 23 million parameters"),
    ("asking.md", "about 110 English words"),
    ("comparing.md", "the 95 % interval of the difference excludes 0"),
    ("comparing.md", "the 90 % interval of the "),
    ("comparing.md", " zero, which is what two one-sided tests at 5 % amount to"),
    ("comparing.md", "for a power of 80 %"),
    (
        "comparing.md",
        "tau .78 (scifact), .47 (cranfield), .82 (codebase-chunks), .11 (cisi), .02 (medline) and .47 (claude-docs)",
    ),
    ("comparing.md", "with a 95 % interval"),
    ("comparing.md", "1,576 bytes on disk: 384 numbers of 4 bytes, and 40 bytes"),
    ("comparing.md", "about 6 KiB more"),
    ("configuration.md", "of at least 1, ` may also be 0"),
    ("json.md", "its 95 % interval as `, its 90 % interval as `"),
    ("json.md", "which is 1 for each right answer"),
    ("install.md", "also reads format 1"),
    ("file-formats.md", "heading of level 1"),
    ("file-formats.md", "from Word 2 on, files of Word 2 without"),
    ("file-formats.md", "Files of Word 95 and earlier"),
    ("file-formats.md", "from Excel 2 on"),
    ("file-formats.md", "In 19 languages"),
    ("file-formats.md", "more than 2 % control characters"),
    (
        "how-retrieval-works.md",
        "nDCG@10 was .740 and .740 on codebase-chunks, .807 and .810 on claude-docs, and .904 and .904 on",
    ),
    ("how-retrieval-works.md", "claude-docs had .787 and .783"),
    ("how-retrieval-works.md", "a cosine is at most 1"),
    ("how-retrieval-works.md", "the range from 0 to 1"),
    ("how-retrieval-works.md", "find a chunk adds 0"),
    ("how-retrieval-works.md", "For BM25 it is 0"),
    ("how-retrieval-works.md", "each of 384 numbers, about 6 KiB"),
    ("how-retrieval-works.md", "0.2 s of processor time with the cache and 4.2 s without"),
    ("how-retrieval-works.md", "by at most .0005"),
    ("how-retrieval-works.md", "Diaz 2007"),
    ("how-retrieval-works.md", "still .0053 better"),
    ("how-retrieval-works.md", "privacy-qa .0126"),
    ("how-retrieval-works.md", "collection in 99 % of all pairs"),
    ("how-retrieval-works.md", "taken away in 73 %"),
    (
        "how-retrieval-works.md",
        "for 5 % of the questions with a fitting passage, 98 % of those about another collection and 22 % of",
    ),
    ("how-retrieval-works.md", ".9111 and .7851, adi .5649 and .4863, claude-docs .8122 and .7869"),
    ("how-retrieval-works.md", "lexical mode reaches .2670"),
    ("how-retrieval-works.md", "mean .6183 at best where equal weights reach .6207"),
    ("how-retrieval-works.md", "from .598 to .700"),
    ("install.md", "glibc 2.28 or later, which distributions of Linux have had since 2018"),
    ("install.md", "which Intel has made since 2013"),
    ("install.md", "Rust 1.92 or later"),
    ("install.md", "Python 3 with pip"),
    ("install.md", "about 55 MB"),
    ("install.md", "ONNX Runtime 1.31"),
    ("json.md", "counted from 1, bytes from 0"),
    ("json.md", "between 0 and 1: a refusal has 0;"),
    ("json.md", "` counts from 1"),
    ("models.md", "have 256 numbers"),
    ("models.md", "weights of 8 bits"),
    ("models.md", "23 million parameters"),
    ("models.md", "first 256 tokens of a text and gives a vector of 384 numbers"),
    ("models.md", "in 8 bits and computed in 32 bits"),
    ("models.md", "135 million parameters"),
    ("models.md", "about 4 bits each"),
    ("privacy.md", "From version 1.29 on"),
    ("privacy.md", "before December 2026"),
    ("privacy.md", "has mode 0700, its files 0600"),
    ("privacy.md", "often 0755"),
    ("json.md", "probability, between 0 and 1, that the first"),
    ("searching.md", "a cosine, at most 1"),
    ("searching.md", "between 0 and 1"),
    ("searching.md", "has score 1"),
    ("searching.md", "the range from 0 to 1"),
    ("troubleshooting.md", "ONNX Runtime 1.31"),
    ("troubleshooting.md", "= 0 (KINGLET_HITS): must be at least 1"),
];

/// The most tokens of a chunk of this size.
fn most_tokens(size: ChunkSize) -> f64 {
    Config { chunking: size, ..Config::default() }.chunking().unwrap().target_tokens as f64
}

fn percent(share: f32) -> f64 {
    f64::from((share * 100.0).round())
}

const NUMBER_WORDS: [&str; 8] = ["none", "one", "two", "three", "four", "five", "six", "seven"];

/// The place of a number in the program.
#[derive(Clone, Copy)]
enum Setting {
    /// The default of a setting.
    Configured(&'static str),
    /// A constant in a file under `src/`, in the unit that the sentence names.
    Constant(&'static str, &'static str),
    /// A share; the sentence has percent.
    Percent(&'static str, &'static str),
    /// A number of bytes; the sentence has MiB.
    Mebibytes(&'static str, &'static str),
    /// A number of bytes; the sentence has GiB.
    Gibibytes(&'static str, &'static str),
    /// A small number; the sentence has a word.
    Spelled(&'static str, &'static str),
    /// A value that the program computes.
    Computed(fn() -> f64),
}

use Setting::{Computed, Configured, Constant, Gibibytes, Mebibytes, Percent, Spelled};

impl Setting {
    /// The number as the handbook writes it, with commas between thousands.
    fn written(self) -> String {
        match self {
            Configured(key) => {
                let defaults = serde_json::to_value(Config::default()).unwrap();
                defaults[key].as_u64().unwrap_or_else(|| panic!("`{key}` is a number")).to_string()
            }
            Constant(file, name) => number(constant(file, name)),
            Percent(file, name) => number((constant(file, name) * 100.0).round()),
            Mebibytes(file, name) => number(constant(file, name) / f64::from(1 << 20)),
            Gibibytes(file, name) => number(constant(file, name) / f64::from(1 << 30)),
            Spelled(file, name) => NUMBER_WORDS[constant(file, name) as usize].to_string(),
            Computed(value) => number(value()),
        }
    }
}

/// The value of a constant: a number, a product, a shift, or a duration in seconds.
fn constant(file: &str, name: &str) -> f64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = if file.starts_with("crates/") { root.join(file) } else { root.join("src").join(file) };
    let source = std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let value = match source.split_once(&format!("const {name}: ")) {
        Some((_, rest)) => rest.split_once(" = ").and_then(|(_, rest)| rest.split_once(';')),
        // A row of a table of limits, or a field with a value.
        None => source
            .split_once(&format!("\n    {name}: \""))
            .and_then(|(_, rest)| rest.split_once("\", ")?.1.split_once(','))
            .or_else(|| source.split_once(&format!("            {name}: "))?.1.split_once(",\n")),
    };
    let (value, _) = value.unwrap_or_else(|| panic!("{file} has no constant {name}"));
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

/// The prose of each page by its name, without code, and without tables, whose figures are measured
/// or have a test of their own.
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

/// The plain numbers in `prose`, each with the words around it.
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
fn every_number_of_a_setting_in_the_handbook_is_that_of_the_program() {
    let mut pages = pages();
    let settings = SETTINGS.iter().map(|(page, sentence, setting)| (*page, sentence.replace("{}", &setting.written())));
    let facts = FACTS.iter().map(|(page, fact)| (*page, fact.to_string()));
    let mut wrong = Vec::new();
    for (page, sentence) in settings.chain(facts) {
        let prose = pages.get_mut(page).unwrap();
        if !prose.contains(&sentence) {
            wrong
                .push(format!("{page} does not contain \"{sentence}\", which the program or the list of facts states"));
        }
        *prose = prose.replace(&sentence, "");
    }
    for (page, prose) in &pages {
        let unlisted = numbers(prose).into_iter();
        wrong.extend(unlisted.map(|number| format!("{page}: put this number into one of the lists: … {number} …")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table of limits has each limit once, and no other rows.
#[test]
fn the_table_of_limits_is_that_of_the_program() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/handbook/file-formats.md"))
        .unwrap();
    let rows: Vec<String> =
        LIMITS.iter().map(|limit| format!("| {} | {limit} | {} |", limit.of, limit.beyond)).collect();
    for row in &rows {
        assert!(page.contains(row.as_str()), "the handbook does not say {row}");
    }
    let section = page.split("## Limits").nth(1).unwrap().split("\n## ").next().unwrap();
    assert_eq!(section.lines().filter(|line| line.starts_with("| ")).count(), rows.len() + 1, "no other rows");
}

/// The table of settings has each setting once, with its default.
#[test]
fn the_table_of_settings_is_that_of_the_program() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/handbook/configuration.md"))
        .unwrap();
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
