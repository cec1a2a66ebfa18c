//! The rules of the code: lower rooms never name higher ones, only some files name each heavy
//! dependency, names and lines keep their limits, and the map is true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms of each floor, lowest first. Rooms on one floor do not name each other.
const FLOORS: &[&[&str]] = &[
    &["error"],
    &["text", "vector", "language", "subprocess"],
    &["scan"],
    &["near_duplicate", "chunking"],
    &["extract"],
    &["models"],
    &["index"],
    &["ingest", "search"],
    &["answer"],
    &["eval"],
    &["config"],
    &["engine"],
    &["experiment"],
    &["view"],
];

/// The files that may name a dependency.
const DOORS: &[(&str, &[&str])] = &[
    (
        "tantivy",
        &[
            "index/lexical/bm25.rs",
            "index/lexical/containing.rs",
            "index/lexical/mod.rs",
            "index/lexical/read_only_directory.rs",
            "index/lexical/vocabulary.rs",
        ],
    ),
    ("whatlang", &["language.rs"]),
    ("hnsw_rs", &["index/dense/graph.rs"]),
    ("memmap2", &["index/durable_file.rs"]),
    (
        "rusqlite",
        &[
            "index/store/change.rs",
            "index/store/duplicates.rs",
            "index/store/mod.rs",
            "index/store/overview.rs",
            "index/store/put_file.rs",
            "index/store/row_checks.rs",
            "index/store/rows.rs",
            "index/store/schema.rs",
            "index/store/sqlite.rs",
            "index/token_vectors.rs",
        ],
    ),
    ("rustix", &["extract/worker_process.rs"]),
    ("notify", &["scan/watch.rs"]),
    ("fastembed", &["models/onnx.rs", "models/cross_encoder.rs"]),
    ("safetensors", &["models/static_table.rs", "models/bert_graph.rs", "models/low_rank.rs"]),
    ("tokenizers", &["models/onnx.rs", "models/static_table.rs", "models/splade.rs", "models/pair_model.rs"]),
    ("ort", &["models/onnx.rs", "models/splade.rs", "models/bert_graph.rs", "models/pair_model.rs"]),
    ("llama_cpp_2", &["models/llama/mod.rs", "models/llama/start_files.rs", "models/llama/writer.rs"]),
    ("tracing", &["models/llama/log.rs"]),
    ("minijinja", &["models/chat_template.rs"]),
    ("minijinja_contrib", &["models/chat_template.rs"]),
    ("async_openai", &["models/openai.rs"]),
    ("reqwest", &["models/http_client.rs", "models/ollama.rs"]),
    ("hf_hub", &["models/download.rs"]),
    ("ignore", &["scan/walk.rs"]),
    ("globset", &["search/glob.rs"]),
    ("jiff", &["search/filter.rs", "index/lexical/figures.rs", "models/chat_template.rs"]),
    ("saphyr_parser", &["crates/formats/src/front_matter.rs", "crates/formats/src/data/yaml.rs"]),
    (
        "quick_xml",
        &["crates/formats/src/data/xml.rs", "crates/formats/src/epub.rs", "crates/formats/src/office/xml.rs"],
    ),
    (
        "hayro_syntax",
        &["crates/formats/src/pdf/content.rs", "crates/formats/src/pdf/face.rs", "crates/formats/src/pdf/file.rs"],
    ),
    (
        "tree_sitter",
        &[
            "crates/formats/src/code/mod.rs",
            "crates/formats/src/code/definitions.rs",
            "crates/formats/src/code/languages.rs",
        ],
    ),
    ("mail_parser", &["crates/formats/src/mail/internet.rs"]),
    ("pulldown_cmark", &["crates/formats/src/markdown.rs"]),
    ("calamine", &["crates/formats/src/office/workbook.rs"]),
    ("csv", &["crates/formats/src/office/delimited.rs"]),
    ("html5gum", &["crates/formats/src/html.rs", "crates/formats/src/html_limits.rs"]),
    ("dom_smoothie", &["crates/formats/src/main_text.rs"]),
    ("chardetng", &["crates/formats/src/charset.rs"]),
    ("oem_cp", &["crates/formats/src/charset.rs"]),
    ("maud", &["eval/report/mod.rs", "eval/report/page.rs", "eval/report/plot.rs"]),
    ("text_splitter", &["chunking/mod.rs"]),
    ("simsimd", &["vector.rs"]),
    ("clap", &["bin/kinglet/args.rs"]),
    ("clap_complete", &["bin/kinglet/args.rs"]),
    ("clap_mangen", &["bin/kinglet/args.rs"]),
    ("comfy_table", &["bin/kinglet/render/mod.rs"]),
    ("anstream", &["bin/kinglet/terminal.rs"]),
    ("indicatif", &["bin/kinglet/progress.rs"]),
    ("signal_hook", &["bin/kinglet/progress.rs"]),
];

const MAX_LINES: usize = 500;
const MAX_COMMENT_CHARS: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The package that reads file formats.
const FORMATS: &str = "crates/formats/src/";

/// The Rust files below `folders` of the repository.
fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The code of every Rust file of both packages, without comments and unit tests. The name of a
/// file of the main package is its path under `src/`, that of another file its whole path.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (start, prefix) in [("src/", ""), (FORMATS, FORMATS)] {
        for path in rust_files(&[start]) {
            let below = path.strip_prefix(root().join(start)).unwrap().to_str().unwrap().replace('\\', "/");
            found.insert(format!("{prefix}{below}"), code_of(&std::fs::read_to_string(&path).unwrap()));
        }
        assert!(found.keys().filter(|file| file.starts_with(prefix)).count() > 20, "{start} was not found");
    }
    found
}

/// The text of a source file without comments and without the tests at its end.
fn code_of(text: &str) -> String {
    let is_inline = |&(at, mark): &(usize, &str)| {
        let item = text[at + mark.len()..].lines().next().unwrap_or_default();
        item.contains("mod ") && item.ends_with('{')
    };
    let end = text.match_indices("#[cfg(test)]\n").find(is_inline).map_or(text.len(), |(at, _)| at);
    let code = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

fn is_in_a_room(file: &str) -> bool {
    file != "lib.rs" && !["bin/", FORMATS].iter().any(|other| file.starts_with(other))
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms that `code` names after `crate::`, alone or in a braced import.
fn rooms_named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let parts: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').collect(),
            None => vec![rest],
        };
        for part in parts {
            named.push(part.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect());
        }
    }
    named
}

#[test]
fn lower_rooms_never_name_higher_ones() {
    let mut wrong = Vec::new();
    for (file, code) in sources().into_iter().filter(|(file, _)| is_in_a_room(file)) {
        let Some(here) = floor(room(&file)) else {
            wrong.push(format!("{file} is in a room that has no floor"));
            continue;
        };
        for named in rooms_named(&code) {
            if floor(&named).is_some_and(|there| there > here || (there == here && named != room(&file))) {
                wrong.push(format!("{file} names {named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The modules that the `code` of module `own` names, each as its path from the root of the
/// package.
fn modules_named(code: &str, own: &[String], modules: &BTreeMap<Vec<String>, String>) -> BTreeSet<Vec<String>> {
    let mut scope = vec![("crate".to_string(), Vec::new()), ("self".to_string(), own.to_vec())];
    scope.push(("super".to_string(), own[..own.len().saturating_sub(1)].to_vec()));
    let child = |name: &str| [own, &[name.to_string()]].concat();
    let children = code.lines().filter_map(|line| line.strip_suffix(';')?.rsplit_once("mod "));
    scope.extend(children.map(|(_, name)| (name.to_string(), child(name))));
    let mut paths = paths_of(code);
    // After an import, the last part of its path names the module.
    for path in &paths {
        let resolved = resolved(path, &scope);
        if let Some(full) = resolved.filter(|full| modules.contains_key(full)) {
            scope.extend(full.last().map(|name| (name.clone(), full.clone())));
        }
    }
    paths.retain(|path| path.len() > 1);
    let named = paths.iter().filter_map(|path| resolved(path, &scope)).map(|mut full| {
        while !modules.contains_key(&full) {
            full.pop();
        }
        full
    });
    named.filter(|module| *module != own).collect()
}

/// The path from the root of the package; `None` if it does not begin with a module in `scope`.
fn resolved(path: &[String], scope: &[(String, Vec<String>)]) -> Option<Vec<String>> {
    let (_, start) = scope.iter().rev().find(|(name, _)| *name == path[0])?;
    let mut full = start.clone();
    for part in &path[1..] {
        match part.as_str() {
            "super" => drop(full.pop()),
            "self" => {}
            part => full.push(part.to_string()),
        }
    }
    Some(full)
}

/// The paths in `code`: names separated by `::`. Each name in braces gives a path of its own.
fn paths_of(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut before: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let word = &rest[..length];
        rest = &rest[length..];
        if is_part(first) {
            let mut full = if path.is_empty() { before.last().cloned().unwrap_or_default() } else { path.clone() };
            full.push(word.to_string());
            path = full;
            match rest.strip_prefix("::") {
                Some(after) if after.starts_with('{') => {
                    before.push(std::mem::take(&mut path));
                    rest = &after[1..];
                }
                Some(after) => rest = after,
                None => paths.push(std::mem::take(&mut path)),
            }
        } else {
            path.clear();
            match first {
                '{' => before.push(Vec::new()),
                '}' => drop(before.pop()),
                _ => {}
            }
        }
    }
    paths
}

#[test]
fn files_of_the_formats_do_not_name_each_other_in_a_circle() {
    let mut modules = BTreeMap::new();
    for (file, code) in sources().into_iter().filter(|(file, _)| file.starts_with(FORMATS)) {
        let mut module: Vec<String> =
            file[FORMATS.len()..].trim_end_matches(".rs").split('/').map(String::from).collect();
        module.pop_if(|last| ["lib", "mod"].contains(&last.as_str()));
        modules.insert(module, code);
    }
    let named_by = |(module, code): (&Vec<String>, &String)| (module.clone(), modules_named(code, module, &modules));
    let mut named: BTreeMap<_, _> = modules.iter().map(named_by).collect();
    let edges: usize = named.values().map(BTreeSet::len).sum();
    assert!(edges > 3 * named.len(), "the imports were not found");
    // Removes files that name no other file that is left, until only circles are left...
    while let Some(free) = named.iter().find(|(_, names)| names.is_empty()).map(|(module, _)| module.clone()) {
        named.remove(&free);
        named.values_mut().for_each(|names| names.retain(|name| *name != free));
    }
    // ...and the files above them.
    while let Some(top) = named.keys().find(|module| !named.values().any(|names| names.contains(*module))).cloned() {
        named.remove(&top);
    }
    let left: Vec<String> =
        named.iter().map(|(module, names)| format!("{} names {names:?}", module.join("/"))).collect();
    assert!(left.is_empty(), "these files name each other in circles:\n{}", left.join("\n"));
}

#[test]
fn each_dependency_has_one_door() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        for (dependency, doors) in DOORS {
            let named = code.match_indices(&format!("{dependency}::")).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            if named && !doors.contains(&file.as_str()) {
                wrong.push(format!("{file} names {dependency}; only {} may", doors.join(" and ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_command_line_prints() {
    for (file, code) in sources().into_iter().filter(|(file, _)| !file.starts_with("bin/")) {
        for word in ["println!", "print!(", "dbg!"] {
            assert!(!code.contains(word), "{file} prints with {word}");
        }
    }
}

#[test]
fn only_the_file_that_guards_the_terminal_writes_to_it() {
    let guards = ["bin/kinglet/terminal.rs", "bin/kinglet/args.rs"];
    for (file, code) in sources().into_iter().filter(|(file, _)| file.starts_with("bin/")) {
        for word in ["print!(", "println!(", "stdout().lock", "stdout()\n", "anstream"] {
            assert!(
                guards.contains(&file.as_str()) || !code.contains(word),
                "{file} writes to the terminal with {word}"
            );
        }
    }
}

/// A hint is a command that can be run as it is: it has the name of the index, not a placeholder.
#[test]
fn hints_have_no_placeholder() {
    for (file, code) in sources() {
        // Only the help for arguments has placeholders.
        let code = code.replace("value_name = \"NAME\"", "");
        for part in code.split('"').skip(1).step_by(2) {
            let is_word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_') == "NAME";
            assert!(!part.split([' ', '/', '=']).any(is_word), "{file}: {part}");
        }
    }
}

#[test]
fn lines_of_comments_keep_within_the_limit() {
    let mut wrong = Vec::new();
    for path in rust_files(&["src", "crates", "tests", "examples", "benches"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let comments = text.lines().zip(1..).filter(|(line, _)| line.trim_start().starts_with("//"));
        let too_long = comments.filter(|(line, _)| line.chars().count() > MAX_COMMENT_CHARS);
        let file = path.strip_prefix(root()).unwrap().display();
        wrong.extend(too_long.map(|(_, number)| format!("{file}:{number}")));
    }
    assert!(wrong.is_empty(), "longer than {MAX_COMMENT_CHARS} characters:\n{}", wrong.join("\n"));
}

/// The name of the type that a line of code defines. An indented `type` is an associated type,
/// which does not count.
fn type_defined(line: &str) -> Option<&str> {
    let item = line.trim_start();
    let item = match item.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => item.strip_prefix("pub ").unwrap_or(item),
    };
    let (kind, rest) = item.split_once(' ')?;
    let is_type = ["struct", "enum", "trait"].contains(&kind) || (kind == "type" && !line.starts_with(' '));
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (is_type && !name.is_empty()).then_some(name)
}

#[test]
fn each_type_name_has_one_meaning() {
    let mut files_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, code) in sources().into_iter().filter(|(file, _)| !file.starts_with(FORMATS)) {
        for name in code.lines().filter_map(type_defined) {
            files_of.entry(name.to_string()).or_default().insert(file.clone());
        }
    }
    assert!(files_of.len() > 200 && files_of.contains_key("Kinglet"), "the definitions were not found");
    let wrong = files_of.iter().filter(|(_, files)| files.len() > 1).map(|(name, files)| format!("{name}: {files:?}"));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "these names are defined in several files:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    for (file, code) in sources() {
        let lines = code.lines().count();
        assert!(lines <= MAX_LINES, "{file} has {lines} lines of code: split it into two ideas");
    }
}

/// The map has few rows, because the first line of each file describes the file.
#[test]
fn every_file_says_in_its_first_line_what_it_is() {
    for file in sources().keys() {
        let path = if file.starts_with(FORMATS) { root().join(file) } else { root().join("src").join(file) };
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("//! "), "{file} does not begin with a line that says what it is");
    }
}

#[test]
fn the_map_is_true() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let ours = [
        "src/",
        "crates/",
        "tests/",
        "corpora/",
        "indexes/",
        "examples/",
        "benches/",
        "scripts/",
        "docs/",
        "fuzz/",
        "packaging/",
        ".ci/",
    ];
    for path in map.split('`').skip(1).step_by(2).filter(|part| ours.iter().any(|start| part.starts_with(start))) {
        assert!(root().join(path).exists(), "{path} is on the map but not there");
    }
}
