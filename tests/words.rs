//! Lexical search over whole indexes: the order of hits and their scores.

mod support;

use std::path::Path;

use kinglet::index::Index;

/// The names of the files found for `question`, best first, with their scores.
fn found(index: &Path, question: &str) -> Vec<(String, f32)> {
    let index = Index::open(index).unwrap();
    let hits = index.lexical().search(question, 10, None).unwrap();
    let chunks = index.chunks(&hits.iter().map(|hit| hit.0).collect::<Vec<_>>()).unwrap();
    let names = chunks.iter().map(|stored| stored.path.file_name().unwrap().to_str().unwrap().to_string());
    names.zip(hits).map(|(name, (_, score))| (name, score)).collect()
}

fn names(index: &Path, question: &str) -> Vec<String> {
    found(index, question).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn exact_tokens_and_identifiers_come_first() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(
        &folder,
        &[
            ("release.md", "The release 1.0.21 mends the parser and a few of the other things that were wrong."),
            ("numbers.md", "Chapter 1 has 0 errors and 21 notes; chapter 21 has 1 error and 0 notes."),
            ("code.rs", "fn parse_http_request(input: &str) -> Request { Request::new(input) }"),
            ("talk.md", "People parse a request, and then another request, by reading http aloud."),
            ("error.md", "The compiler gives E0599 where no method of that name exists for the type."),
            ("towns.md", "東京都は日本の首都です。"),
        ],
    );
    support::index(&folder, &index);
    assert_eq!(names(&index, "what is new in 1.0.21?")[0], "release.md");
    assert_eq!(names(&index, "parse_http_request")[0], "code.rs");
    assert_eq!(names(&index, "parseHttpRequest").len(), 2, "the parts are found however they are joined");
    assert_eq!(names(&index, "e0599")[0], "error.md");
    assert_eq!(names(&index, "首都"), ["towns.md"]);
}

#[test]
fn words_of_another_language_are_found_by_their_stems_and_without_accents() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(
        &folder,
        &[
            ("bank.md", "Die Überweisungen werden am nächsten Tag ausgeführt, wenn der Auftrag vor zwölf Uhr eingeht."),
            ("miete.md", "Der Mieter trägt die Kosten für kleine Reparaturen, wenn sie so vereinbart worden sind."),
        ],
    );
    support::index(&folder, &index);
    assert_eq!(Index::open(&index).unwrap().manifest().language.code(), "de");
    for question in ["Überweisung", "uberweisung", "Wann wird eine ÜBERWEISUNG ausgeführt?"] {
        assert_eq!(names(&index, question)[0], "bank.md", "{question}");
    }
    assert_eq!(names(&index, "der die und"), [""; 0], "stop words find nothing");
}

#[test]
fn scores_are_bm25_and_do_not_depend_on_what_was_deleted() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, index) = (temporary.path().join("documents"), temporary.path().join("index"));
    support::write(&folder, &[("one.txt", "wren wren robin"), ("two.txt", "robin"), ("three.txt", "owl heron")]);
    support::index(&folder, &index);
    // k1 = 1.2, b = 0.75; three chunks of 3, 1 and 2 terms.
    let rarity = |having: f32| (1.0 + (3.0 - having + 0.5) / (having + 0.5)).ln();
    let part = |count: f32, length: f32| count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 2.0));
    let wanted = [
        ("one.txt", 2.0 * rarity(1.0) * part(2.0, 3.0) + rarity(2.0) * part(1.0, 3.0)),
        ("two.txt", rarity(2.0) * part(1.0, 1.0)),
    ];
    let scored = found(&index, "wren robin wren");
    assert_eq!(scored.len(), 2);
    for ((name, score), (file, by_hand)) in scored.iter().zip(wanted) {
        assert!(name == file && (score - by_hand).abs() < 1e-4, "{name} {score}, by hand {file} {by_hand}");
    }
    support::write(&folder, &[("four.txt", "wren owl"), ("five.txt", "robin robin robin")]);
    support::index(&folder, &index);
    assert_ne!(found(&index, "wren robin wren"), scored);
    std::fs::remove_file(folder.join("four.txt")).unwrap();
    std::fs::remove_file(folder.join("five.txt")).unwrap();
    support::index(&folder, &index);
    assert_eq!(found(&index, "wren robin wren"), scored);
}
