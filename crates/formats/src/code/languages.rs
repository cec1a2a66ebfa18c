//! The programming languages that are read by definition: how their files are told, and which of
//! the nodes that their grammars make are definitions.

use tree_sitter::Language as Grammar;

/// A language, as a table. Nodes are named by their kinds.
pub(super) struct Language {
    pub(super) grammar: fn() -> Grammar,
    /// The ends of its files' names, in small letters.
    pub(super) extensions: &'static [&'static str],
    /// The programs that a `#!` line names, without version numbers.
    pub(super) interpreters: &'static [&'static str],
    /// Functions, methods, types, modules.
    pub(super) definitions: &'static [&'static str],
    /// Nodes that bind a name to a value; definitions where the value is one of `values`.
    pub(super) bindings: &'static [&'static str],
    pub(super) values: &'static [&'static str],
    /// Nodes around a definition that belong to it.
    pub(super) wrappers: &'static [&'static str],
    /// Nodes before a definition that belong to it; comments do in every language.
    pub(super) attached: &'static [&'static str],
    /// Where calls are definitions, the words that such calls begin with.
    pub(super) calls: &'static [&'static str],
}

impl Language {
    const fn new(
        grammar: fn() -> Grammar,
        extensions: &'static [&'static str],
        definitions: &'static [&'static str],
    ) -> Self {
        let none = &[];
        Language {
            grammar,
            extensions,
            definitions,
            interpreters: none,
            bindings: none,
            values: none,
            wrappers: none,
            attached: none,
            calls: none,
        }
    }
}

/// The language of the file with this name and text, if it is one of those here.
pub(super) fn language_of(path_name: &str, text: &str) -> Option<&'static Language> {
    let name = path_name.rsplit(['/', '\\']).next().unwrap_or(path_name).to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if extension == "h" {
        return Some(if is_cpp_header(text) { &CPP } else { &C });
    }
    if matches!(name.as_str(), "rakefile" | "gemfile" | "vagrantfile" | "brewfile") {
        return Some(&RUBY);
    }
    let by_name = LANGUAGES.iter().copied().find(|language| language.extensions.contains(&extension));
    by_name.or_else(|| {
        let program = interpreter(text)?;
        LANGUAGES.iter().copied().find(|language| language.interpreters.contains(&program))
    })
}

/// The program that the `#!` line names, without its path and version.
fn interpreter(text: &str) -> Option<&str> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = words.find(|word| *word != "env" && !word.starts_with('-') && !word.contains('='))?;
    Some(program.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.'))
}

/// True if a header is C++ rather than C: whether a line begins as only C++ has it.
fn is_cpp_header(text: &str) -> bool {
    const BEGINNINGS: [&str; 8] =
        ["class ", "namespace ", "template", "public:", "private:", "protected:", "using ", "constexpr "];
    text.lines().map(str::trim_start).any(|line| BEGINNINGS.iter().any(|word| line.starts_with(word)))
}

const LANGUAGES: &[&Language] = &[
    &RUST,
    &PYTHON,
    &JAVASCRIPT,
    &TYPESCRIPT,
    &TSX,
    &JAVA,
    &C,
    &CPP,
    &C_SHARP,
    &GO,
    &RUBY,
    &PHP,
    &SWIFT,
    &KOTLIN,
    &DART,
    &LUA,
    &R,
    &ELIXIR,
    &ZIG,
];

#[rustfmt::skip]
const RUST: Language = Language {
    attached: &["attribute_item"],
    ..Language::new(
        || tree_sitter_rust::LANGUAGE.into(),
        &["rs"],
        &[
            "function_item", "function_signature_item", "impl_item", "trait_item", "struct_item", "enum_item", "union_item",
            "mod_item", "macro_definition", "const_item", "static_item", "type_item",
        ],
    )
};

const PYTHON: Language = Language {
    interpreters: &["python", "pypy"],
    wrappers: &["decorated_definition"],
    ..Language::new(
        || tree_sitter_python::LANGUAGE.into(),
        &["py", "pyi", "pyw"],
        &["function_definition", "class_definition"],
    )
};

const JAVASCRIPT: Language = Language {
    interpreters: &["node", "nodejs", "bun"],
    bindings: &["variable_declarator", "assignment_expression", "pair", "field_definition"],
    values: &["arrow_function", "function_expression", "generator_function", "class"],
    wrappers: &["export_statement", "lexical_declaration", "variable_declaration", "expression_statement"],
    attached: &["decorator"],
    ..Language::new(
        || tree_sitter_javascript::LANGUAGE.into(),
        &["js", "mjs", "cjs", "jsx"],
        &["function_declaration", "generator_function_declaration", "class_declaration", "method_definition"],
    )
};

#[rustfmt::skip]
const TYPESCRIPT: Language = Language {
    interpreters: &["deno", "ts-node", "tsx"],
    bindings: &["variable_declarator", "assignment_expression", "pair", "public_field_definition"],
    values: JAVASCRIPT.values,
    wrappers: &[
        "export_statement", "ambient_declaration", "lexical_declaration", "variable_declaration", "expression_statement",
    ],
    attached: JAVASCRIPT.attached,
    ..Language::new(
        || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        &["ts", "mts", "cts"],
        &[
            "function_declaration", "generator_function_declaration", "function_signature", "class_declaration",
            "abstract_class_declaration", "method_definition", "interface_declaration", "enum_declaration",
            "internal_module", "module",
        ],
    )
};

const TSX: Language = Language {
    grammar: || tree_sitter_typescript::LANGUAGE_TSX.into(),
    extensions: &["tsx"],
    interpreters: &[],
    ..TYPESCRIPT
};

#[rustfmt::skip]
const JAVA: Language = Language::new(
    || tree_sitter_java::LANGUAGE.into(),
    &["java"],
    &[
        "class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
        "annotation_type_declaration", "method_declaration", "constructor_declaration", "compact_constructor_declaration",
    ],
);

const C: Language = Language {
    wrappers: &["type_definition"],
    ..Language::new(
        || tree_sitter_c::LANGUAGE.into(),
        &["c"],
        &["function_definition", "struct_specifier", "union_specifier", "enum_specifier"],
    )
};

#[rustfmt::skip]
const CPP: Language = Language {
    wrappers: &["type_definition", "template_declaration"],
    ..Language::new(
        || tree_sitter_cpp::LANGUAGE.into(),
        &["cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "inl", "tcc", "cu", "cuh", "ino"],
        &[
            "function_definition", "class_specifier", "struct_specifier", "union_specifier", "enum_specifier",
            "namespace_definition", "concept_definition",
        ],
    )
};

#[rustfmt::skip]
const C_SHARP: Language = Language::new(
    || tree_sitter_c_sharp::LANGUAGE.into(),
    &["cs", "csx"],
    &[
        "class_declaration", "interface_declaration", "enum_declaration", "record_declaration", "struct_declaration",
        "delegate_declaration", "method_declaration", "constructor_declaration", "destructor_declaration",
        "operator_declaration", "conversion_operator_declaration", "indexer_declaration", "property_declaration",
        "local_function_statement", "namespace_declaration",
    ],
);

const GO: Language = Language {
    wrappers: &["type_declaration"],
    ..Language::new(
        || tree_sitter_go::LANGUAGE.into(),
        &["go"],
        &["function_declaration", "method_declaration", "type_spec"],
    )
};

const RUBY: Language = Language {
    interpreters: &["ruby", "jruby"],
    ..Language::new(
        || tree_sitter_ruby::LANGUAGE.into(),
        &["rb", "rake", "gemspec", "ru"],
        &["method", "singleton_method", "class", "module", "singleton_class"],
    )
};

#[rustfmt::skip]
const PHP: Language = Language {
    interpreters: &["php"],
    ..Language::new(
        || tree_sitter_php::LANGUAGE_PHP.into(),
        &["php", "phtml"],
        &[
            "class_declaration", "interface_declaration", "trait_declaration", "enum_declaration", "function_definition",
            "method_declaration",
        ],
    )
};

#[rustfmt::skip]
const SWIFT: Language = Language {
    interpreters: &["swift"],
    ..Language::new(
        || tree_sitter_swift::LANGUAGE.into(),
        &["swift"],
        &[
            "class_declaration", "protocol_declaration", "function_declaration", "protocol_function_declaration",
            "init_declaration", "deinit_declaration", "subscript_declaration",
        ],
    )
};

#[rustfmt::skip]
const KOTLIN: Language = Language {
    interpreters: &["kotlin"],
    ..Language::new(
        || tree_sitter_kotlin_ng::LANGUAGE.into(),
        &["kt", "kts"],
        &[
            "class_declaration", "object_declaration", "companion_object", "function_declaration",
            "secondary_constructor",
        ],
    )
};

#[rustfmt::skip]
const DART: Language = Language {
    interpreters: &["dart"],
    wrappers: &["member_declaration"],
    attached: &["annotation"],
    ..Language::new(
        || tree_sitter_dart::LANGUAGE.into(),
        &["dart"],
        &[
            "class_declaration", "mixin_declaration", "extension_declaration", "extension_type_declaration",
            "enum_declaration", "function_declaration", "getter_declaration", "setter_declaration", "method_declaration",
            "local_function_declaration",
        ],
    )
};

const LUA: Language = Language {
    interpreters: &["lua", "luajit"],
    bindings: &["assignment_statement", "field"],
    values: &["function_definition"],
    wrappers: &["variable_declaration"],
    ..Language::new(|| tree_sitter_lua::LANGUAGE.into(), &["lua"], &["function_declaration"])
};

const R: Language = Language {
    interpreters: &["Rscript"],
    bindings: &["binary_operator"],
    values: &["function_definition"],
    ..Language::new(|| tree_sitter_r::LANGUAGE.into(), &["r"], &[])
};

#[rustfmt::skip]
const ELIXIR: Language = Language {
    interpreters: &["elixir"],
    calls: &[
        "def", "defp", "defmacro", "defmacrop", "defmodule", "defprotocol", "defimpl", "defguard", "defdelegate", "describe",
        "test",
    ],
    attached: &["unary_operator"],
    ..Language::new(|| tree_sitter_elixir::LANGUAGE.into(), &["ex", "exs"], &["call"])
};

const ZIG: Language = Language {
    bindings: &["variable_declaration"],
    values: &["struct_declaration", "enum_declaration", "union_declaration", "opaque_declaration"],
    ..Language::new(|| tree_sitter_zig::LANGUAGE.into(), &["zig"], &["function_declaration", "test_declaration"])
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammars_have_every_kind_of_node_that_is_named() {
        for language in LANGUAGES {
            let grammar = (language.grammar)();
            let named =
                [language.definitions, language.bindings, language.values, language.wrappers, language.attached];
            for kind in named.concat() {
                assert_ne!(grammar.id_for_node_kind(kind, true), 0, "{kind} in {:?}", language.extensions);
            }
        }
    }

    #[test]
    fn a_language_is_told_by_extension_or_first_line() {
        let first = |name, text| language_of(name, text).map(|language| language.extensions[0]);
        assert_eq!(first("a/b.PY", ""), Some("py"));
        assert_eq!(first("a.h", "struct a;\n"), Some("c"));
        assert_eq!(first("a.h", "#include <a>\nclass b;\n"), Some("cc"));
        assert_eq!(first("Rakefile", ""), Some("rb"));
        assert_eq!(first("tool", "#!/usr/bin/python3.11 -u\n"), Some("py"));
        assert_eq!(first("tool", "#!/usr/bin/env -S A=1 node\n"), Some("js"));
        assert_eq!((first("a.css", "#!x"), first("a", ""), first("a", "#!")), (None, None, None));
    }
}
