//! Source code: a section for every function, type and module, with the comments over it.

mod definitions;
mod languages;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, Parser, Tree};

use crate::document::{Document, Format, Section};
use crate::span::Span;
use definitions::{Definition, definitions};
use languages::Language;

/// Larger files are machine-made, or data.
const MAX_BYTES: usize = 1 << 20;
/// Files with longer lines, on average, are minified, or data.
const MAX_MEAN_LINE_BYTES: usize = 300;
/// How many times the parser may report progress. In steps rather than seconds, so that a file is
/// always read the same.
const MAX_STEPS: usize = 2_000;
/// Real code takes 4 to 8.
const MAX_STEPS_PER_KILOBYTE: usize = 24;
/// Where single steps take long, which is on the most hostile files alone, time is what ends it.
const MAX_TIME: Duration = Duration::from_secs(3);
/// What follows a definition on its last line still belongs to it, if the line ends within so many
/// bytes.
const MAX_LINE_REST_BYTES: usize = 200;

/// Reads source code. Its text is the file; its sections are definitions where the language is
/// known, else there is one.
pub(crate) fn read(path_name: &str, text: String) -> Document {
    let found = languages::language_of(path_name, &text).and_then(|language| find(&text, language));
    let document = Document::without_headings(Format::Code, text);
    match found {
        Some(found) => Document { sections: sections(&document.text, &found), ..document },
        None => document,
    }
}

fn find(text: &str, language: &Language) -> Option<Vec<Definition>> {
    let lines = text.bytes().filter(|&byte| byte == b'\n').count() + 1;
    if text.len() > MAX_BYTES || text.len() / lines > MAX_MEAN_LINE_BYTES {
        return None;
    }
    let tree = parse(text, language)?;
    Some(definitions(text, &mut tree.walk(), language)).filter(|found| !found.is_empty())
}

/// The syntax tree, also of broken code; `None` where that takes too long.
fn parse(text: &str, language: &Language) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&(language.grammar)()).ok()?;
    let mut steps_left = MAX_STEPS + text.len() / 1024 * MAX_STEPS_PER_KILOBYTE;
    let started = Instant::now();
    let mut progress = |_: &tree_sitter::ParseState| {
        steps_left = steps_left.saturating_sub(1);
        if steps_left == 0 || started.elapsed() > MAX_TIME { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut |offset, _| text.as_bytes().get(offset..).unwrap_or_default(), None, Some(options))
}

/// Sections that cover the text: the definitions, and what is between them under the definition
/// around it.
fn sections(text: &str, found: &[Definition]) -> Vec<Section> {
    let mut sections = Sections { text, covered: 0, path: Vec::new(), ends: Vec::new(), sections: Vec::new() };
    for definition in found {
        while sections.ends.last().is_some_and(|&end| end <= definition.start) {
            sections.close(definition.start);
        }
        sections.cover(definition.start);
        sections.path.push(definition.title.clone());
        sections.ends.push(definition.end);
    }
    while !sections.ends.is_empty() {
        sections.close(text.len());
    }
    sections.cover(text.len());
    sections.sections
}

struct Sections<'t> {
    text: &'t str,
    /// All before this is in a section.
    covered: usize,
    /// The titles of the open definitions, and where each ends.
    path: Vec<String>,
    ends: Vec<usize>,
    sections: Vec<Section>,
}

impl Sections<'_> {
    /// Ends the innermost open definition, with the rest of its line if that is before `next`.
    fn close(&mut self, next: usize) {
        if let Some(end) = self.ends.pop() {
            let window = &self.text.as_bytes()[end..(end + MAX_LINE_REST_BYTES).min(next.max(end))];
            let rest = window.iter().position(|&byte| byte == b'\n');
            self.cover(rest.map_or(end, |rest| end + rest + 1));
            self.path.pop();
        }
    }

    /// Puts all up to `end` into a section under the open definitions; what only closes things
    /// stays with what is before it.
    fn cover(&mut self, end: usize) {
        if end <= self.covered {
            return;
        }
        let span = Span { start: self.covered, end };
        let part = span.of(self.text);
        if !part.contains(char::is_alphanumeric) || part.trim() == "end" {
            match self.sections.last_mut() {
                Some(last) => last.span.end = end,
                // At the start of the file, it goes with what follows.
                None if end < self.text.len() => return,
                None => self.sections.push(Section { span, body_start: span.start, headings: Vec::new() }),
            }
        } else {
            self.sections.push(Section { span, body_start: span.start, headings: self.path.clone() });
        }
        self.covered = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The path of every section, each with the first words of its text.
    fn shown(name: &str, code: &str) -> Vec<(String, String)> {
        let document = read(name, code.to_owned());
        assert_eq!((document.text.as_str(), document.format), (code, Format::Code));
        covers(&document);
        let first_word = |section: &Section| section.span.of(code).split_whitespace().next().unwrap_or("").to_owned();
        document.sections.iter().map(|section| (section.headings.join(" > "), first_word(section))).collect()
    }

    fn covers(document: &Document) {
        let mut end = 0;
        for section in &document.sections {
            assert!(section.span.start == end && section.span.end > end && section.body_start == end);
            assert!(document.text.is_char_boundary(section.span.end) && section.headings.len() <= 8);
            end = section.span.end;
        }
        assert_eq!(end, document.text.len());
    }

    #[test]
    fn definitions_have_their_comments_and_the_rest_is_under_what_is_around_it() {
        let rust = "//! Module.\n\nuse a;\n\n/// Doc.\n#[derive(Debug)]\npub struct One {\n    a: u8, // no doc\n}\n\n\
                    impl<T> Two<T> for One {\n    const A: u8 = 1;\n\n    // why\n    pub(crate) async fn go(&self) {\n        1\n    }\n}\n\
                    // apart\n\nfn last() {}\n";
        let expected = [
            ("", "//!"),
            ("struct One", "///"),
            ("impl<T> Two<T> for One", "impl<T>"),
            ("impl<T> Two<T> for One > const A", "const"),
            ("impl<T> Two<T> for One > fn go", "//"),
            ("", "//"),
            ("fn last", "fn"),
        ];
        assert_eq!(shown("a.rs", rust), expected.map(|(path, word)| (path.to_owned(), word.to_owned())));
        let python = "'''Module.'''\nimport a\n\n\n# why\n@b.c(1)\nclass D(E):\n    '''Doc.'''\n\n    @property\n    def f(self):\n        \
                      '''Doc.'''\n        def g(): pass\n        return g\n\nif a:\n    def h(): pass\n";
        let expected = [
            ("", "'''Module.'''"),
            ("class D", "#"),
            ("class D > def f", "@property"),
            ("class D > def f > def g", "def"),
            ("class D > def f", "return"),
            ("", "if"),
            ("def h", "def"),
        ];
        assert_eq!(shown("a.py", python), expected.map(|(path, word)| (path.to_owned(), word.to_owned())));
    }

    #[test]
    fn every_language_names_its_definitions() {
        let cases: &[(&str, &str, &[&str])] = &[
            (
                "a.js",
                "export const a = async (x) => {\n};\nmodule.b = function () {};\nclass C { d() {} }",
                &["a", "module.b", "class C > d"],
            ),
            (
                "a.ts",
                "export interface A { b(): void }\nnamespace N { export function f<T>(x: T): void {} }",
                &["interface A", "namespace N > function f"],
            ),
            ("a.tsx", "export default class A extends B<C> { render() { return <p>x</p>; } }", &["class A > render"]),
            (
                "A.java",
                "@X(y = 1)\npublic class A {\n /** d */\n @Y\n static Map<K, V> b(int c) {}\n}",
                &["class A > Map<K, V> b"],
            ),
            (
                "a.c",
                "static int *a(int b)\n{\n}\ntypedef struct { int x; } c_t;\nstruct d *e;\n",
                &["static int *a", "struct c_t"],
            ),
            (
                "a.h",
                "#ifdef X\nnamespace n {\ntemplate <class T> class A { void b() {} };\n}\n#endif",
                &["namespace n > class A > void b"],
            ),
            (
                "a.cs",
                "namespace N { [X] public class A { public int B { get; } Task<int> C() => 1; } }",
                &["namespace N > class A > Task<int> C"],
            ),
            (
                "a.go",
                "package a\n// D\nfunc (s *S) A(x int) {}\ntype (\n B struct{}\n C interface{}\n)\n",
                &["func (s *S) A", "type B", "type C"],
            ),
            (
                "a.rb",
                "module A\n  class B < C\n    def self.d(x)\n    end\n  end\nend\n",
                &["module A > class B > def self.d"],
            ),
            (
                "a.php",
                "<?php\nabstract class A { public static function b(): int { return 1; } }",
                &["class A > function b"],
            ),
            (
                "a.swift",
                "@objc public class A: B {\n  init(x: Int) {}\n  static func c() {}\n}\nextension D { func e() {} }",
                &["class A > init", "class A > func c", "extension D > func e"],
            ),
            (
                "a.kt",
                "/** D */\nclass A(val b: Int) {\n    override fun c() {\n    }\n}\nobject O\n",
                &["class A > fun c", "object O"],
            ),
            ("a.dart", "class A {\n  /// d\n  @x\n  int b(int c) { return 1; }\n}\n", &["class A > int b"]),
            ("a.lua", "local M = {}\n--- d\nfunction M.a(x) end\nM.b = function() end\n", &["function M.a", "M.b"]),
            ("a.R", "#' D\na <- function(x) x\n", &["a"]),
            (
                "a.ex",
                "defmodule A.B do\n  @doc \"d\"\n  def c(x) when x > 1 do\n    x\n  end\nend\n",
                &["defmodule A.B > def c"],
            ),
            ("a.zig", "/// D\npub const A = struct {\n    pub fn b() void {}\n};\n", &["const A > fn b"]),
        ];
        for (name, code, expected) in cases {
            let paths: Vec<String> = shown(name, code).into_iter().map(|(path, _)| path).collect();
            for path in *expected {
                assert!(paths.iter().any(|found| found == path), "{name}: {path} is not in {paths:?}");
            }
        }
    }

    #[test]
    fn broken_and_unknown_code_is_read_and_minified_code_is_one_section() {
        let broken = shown("a.cpp", "BEGIN_NS(a)\nMACRO void f(int x) { g(; }\n\nint h() { return 1; }\n");
        assert!(broken.iter().any(|(path, _)| path == "int h"), "{broken:?}");
        assert_eq!(shown("a.js", &"function a(){return 1};".repeat(50)).len(), 1);
        assert_eq!(shown("a.toml", "[a]\nb = 1\n").len(), 1);
        assert_eq!(shown("a.py", "x = 1\n").len(), 1);
        let nested =
            format!("{}1\n", (0..40).map(|deep| format!("{}def f():\n", " ".repeat(deep))).collect::<String>());
        assert!(shown("a.py", &nested).iter().all(|(path, _)| path.matches('>').count() < 8));
        for open in ["(", "{", "[", "if (a) ", "a<", "\"", "class A {"] {
            shown("a.cs", &format!("{}\n", open.repeat(20)).repeat(200));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_breaks_it(
            extension in prop::sample::select(vec!["rs", "py", "js", "tsx", "cpp", "cs", "rb", "php", "swift", "kt", "dart", "lua", "r", "ex", "zig"]),
            parts in prop::collection::vec(prop_oneof![
                prop::sample::select(vec![
                    "fn f() {", "}", "class A {", "def g(x):\n    ", "end\n", "// c\n", "/*", "\"", "'", "(", ")", "struct B", "=> ",
                    "= function", "#[a]\n", "@b\n", "do\n", "\n", "  ", "é", "\u{1f600}", "<<X\n", ";", "<?php ", "`", "%w[", "namespace n {",
                ]).prop_map(str::to_owned),
                ".{0,12}",
            ], 0..60),
        ) {
            covers(&read(&format!("a.{extension}"), format!("{}x", parts.concat())));
        }
    }
}
