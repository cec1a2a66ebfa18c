//! What files are: by extension, by name, by their first bytes.

use super::Skip;
use crate::corpus::Format;

/// What the name says: a format, nothing (`None`), or a kind that is not read.
pub(super) fn by_name(path_name: &str) -> Result<Option<Format>, Skip> {
    let name = path_name.rsplit(['/', '\\']).next().unwrap_or(path_name).to_lowercase();
    let extension = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    };
    if let Some((_, reason)) = NOT_READ.iter().find(|(extensions, _)| extensions.contains(&extension)) {
        return Err(Skip::because(*reason));
    }
    let known = |list: &[&str]| list.contains(&extension);
    Ok(if known(MARKDOWN) {
        Some(Format::Markdown)
    } else if known(HTML) {
        Some(Format::Html)
    } else if known(CODE) || CODE_NAMES.contains(&name.as_str()) {
        Some(Format::Code)
    } else if known(TEXT) {
        Some(Format::Text)
    } else {
        None
    })
}

/// What the text says where the name says nothing.
pub(super) fn by_content(text: &str) -> Format {
    let start: String = text.trim_start().chars().take(16).collect::<String>().to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        Format::Html
    } else if start.starts_with("#!") {
        Format::Code
    } else {
        Format::Text
    }
}

/// The reason not to read a file that begins like one of the well-known formats that are not text.
pub(super) fn not_text(bytes: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, reason)| *reason)
}

const MARKDOWN: &[&str] = &["md", "markdown", "mdown", "mkd", "mkdn", "mdx", "rmd", "qmd"];
const HTML: &[&str] = &["html", "htm", "xhtml", "shtml"];
const TEXT: &[&str] =
    &["txt", "text", "rst", "org", "adoc", "asciidoc", "log", "tex", "srt", "vtt", "csv", "tsv", "wiki", "pod"];

/// Source code and configuration.
#[rustfmt::skip]
const CODE: &[&str] = &[
    "rs", "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "tsx", "go", "java", "kt", "kts", "scala", "groovy", "gradle",
    "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "m", "mm", "cs", "fs", "vb", "swift", "dart", "rb", "php", "pl",
    "pm", "lua", "r", "jl", "hs", "ml", "mli", "elm", "ex", "exs", "erl", "hrl", "clj", "cljs", "lisp", "el", "scm",
    "zig", "nim", "d", "f90", "asm", "s", "v", "sv", "vhd", "sql", "graphql", "proto", "thrift", "sh", "bash", "zsh",
    "fish", "ps1", "bat", "cmd", "awk", "vim", "css", "scss", "sass", "less", "vue", "svelte", "astro", "xml", "xsl",
    "xsd", "json", "jsonl", "ndjson", "json5", "jsonc", "yaml", "yml", "toml", "ini", "cfg", "conf", "properties",
    "env", "tf", "hcl", "nix", "cmake", "mk", "bzl", "diff", "patch", "lock", "service", "dockerfile",
];

const CODE_NAMES: &[&str] = &[
    "makefile",
    "gnumakefile",
    "dockerfile",
    "containerfile",
    "justfile",
    "rakefile",
    "gemfile",
    "procfile",
    "vagrantfile",
    "jenkinsfile",
    "brewfile",
    "cmakelists.txt",
    "build",
    "workspace",
    "go.mod",
    "go.sum",
];

/// Kinds by extension that are not read, and what is said of them.
const NOT_READ: &[(&[&str], &str)] = &[
    (&["pdf"], "PDF is not read yet"),
    (&["docx", "doc", "dotx", "odt", "rtf", "pages", "wpd"], "word processor documents are not read yet"),
    (&["xlsx", "xls", "xlsm", "ods", "numbers"], "spreadsheets are not read yet"),
    (&["pptx", "ppt", "ppsx", "odp"], "presentations are not read yet"),
    (&["key", "pem", "p12", "pfx", "jks"], "key file"),
    (&["eml", "msg", "mbox", "p7s"], "e-mail is not read yet"),
    (&["epub", "mobi", "azw3", "fb2", "djvu"], "e-books are not read yet"),
    (&["ipynb"], "notebooks are not read yet"),
    (&["png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "ico", "svg", "heic", "avif", "psd"], "image"),
    (&["mp3", "wav", "flac", "ogg", "opus", "m4a", "aac", "mid"], "audio"),
    (&["mp4", "mkv", "mov", "avi", "webm", "wmv", "mpg", "mpeg"], "video"),
    (
        &["zip", "tar", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "jar", "whl", "deb", "rpm", "iso", "dmg"],
        "archive",
    ),
    (&["ttf", "otf", "woff", "woff2", "eot"], "font"),
    (&["exe", "dll", "so", "dylib", "o", "a", "lib", "class", "pyc", "wasm", "bin", "obj"], "binary"),
    (&["sqlite", "sqlite3", "db", "mdb", "parquet", "arrow", "feather", "h5", "npy", "npz"], "database or data file"),
    (&["gguf", "onnx", "safetensors", "pt", "pth", "ckpt", "tflite"], "model weights"),
];

/// How files that are not text begin, whatever they are called.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "PDF is not read yet"),
    (b"{\\rtf", "word processor documents are not read yet"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"PK\x03\x04", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old office documents are not read yet"),
    (b"\x7fELF", "binary"),
    (b"SQLite format 3\0", "database or data file"),
    (b"GGUF", "model weights"),
];
