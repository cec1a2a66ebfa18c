//! What files are: by extension, by name, by their first bytes.

use crate::archive::Archive;
use crate::document::Format;
use crate::office::{self, Flat};
use crate::skip::Skip;

/// Which reader a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    Markdown,
    Html,
    Code,
    Text,
    Restructured,
    Org,
    Csv,
    Tsv,
    Json,
    JsonLines,
    Yaml,
    Xml,
    Notebook,
    Pdf,
    Docx,
    Doc,
    Odt,
    Rtf,
    Pptx,
    Ppt,
    Odp,
    /// XLSX, XLSB, XLS, ODS.
    Workbook,
    Eml,
    /// A page of the web in a letter.
    Mhtml,
    Mbox,
    Msg,
    Epub,
}

impl FileType {
    /// The family it belongs to.
    pub(crate) fn format(self) -> Format {
        match self {
            FileType::Markdown => Format::Markdown,
            FileType::Html | FileType::Mhtml => Format::Html,
            FileType::Code => Format::Code,
            FileType::Text | FileType::Restructured | FileType::Org => Format::Text,
            FileType::Csv | FileType::Tsv | FileType::Workbook => Format::Table,
            FileType::Json | FileType::JsonLines | FileType::Yaml | FileType::Xml => Format::Data,
            FileType::Notebook => Format::Notebook,
            FileType::Pdf => Format::Pdf,
            FileType::Docx | FileType::Doc | FileType::Odt | FileType::Rtf => Format::Word,
            FileType::Pptx | FileType::Ppt | FileType::Odp => Format::Slides,
            FileType::Eml | FileType::Mbox | FileType::Msg => Format::Mail,
            FileType::Epub => Format::Book,
        }
    }

    /// Whether its files are characters in some encoding.
    pub(crate) fn is_text(self) -> bool {
        match self {
            FileType::Markdown
            | FileType::Html
            | FileType::Code
            | FileType::Text
            | FileType::Restructured
            | FileType::Org => true,
            FileType::Csv
            | FileType::Tsv
            | FileType::Json
            | FileType::JsonLines
            | FileType::Yaml
            | FileType::Xml
            | FileType::Notebook => true,
            FileType::Pdf
            | FileType::Docx
            | FileType::Odt
            | FileType::Rtf
            | FileType::Pptx
            | FileType::Odp
            | FileType::Workbook => false,
            FileType::Doc
            | FileType::Ppt
            | FileType::Eml
            | FileType::Mhtml
            | FileType::Mbox
            | FileType::Msg
            | FileType::Epub => false,
        }
    }
}

/// What a file is: by its bytes, else by its name; `None` if neither says.
///
/// # Errors
/// When it is of a kind that is not read.
pub(crate) fn of(path_name: &str, bytes: &[u8]) -> Result<Option<FileType>, Skip> {
    if let Some(reason) = of_apple(bytes) {
        return Err(Skip::because(reason));
    }
    let by_name = by_name(path_name)?;
    Ok(by_bytes(bytes)?.or(by_name))
}

/// What the name says: a kind, nothing (`None`), or one that is not read.
pub(crate) fn by_name(path_name: &str) -> Result<Option<FileType>, Skip> {
    let name = path_name.rsplit(['/', '\\']).next().unwrap_or(path_name).to_lowercase();
    let extension = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    };
    if CODE_NAMES.contains(&name.as_str()) {
        return Ok(Some(FileType::Code));
    }
    if let Some((_, reason)) = NOT_READ.iter().find(|(extensions, _)| extensions.contains(&extension)) {
        return Err(Skip::because(*reason));
    }
    Ok(READ.iter().find(|(extensions, _)| extensions.contains(&extension)).map(|(_, kind)| *kind))
}

/// What the bytes say, whatever the name is: a kind, nothing (`None`), or one that is not read.
fn by_bytes(bytes: &[u8]) -> Result<Option<FileType>, Skip> {
    if bytes.starts_with(b"%PDF-") {
        return Ok(Some(FileType::Pdf));
    }
    if bytes.starts_with(b"{\\rtf") {
        return Ok(Some(FileType::Rtf));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return in_archive(bytes);
    }
    if office::is_bare_workbook(bytes) {
        return Ok(Some(FileType::Workbook));
    }
    if let Some(kind) = office::flat(bytes) {
        return Ok(Some(match kind {
            Flat::Text => FileType::Odt,
            Flat::Slides => FileType::Odp,
            Flat::Sheets => FileType::Workbook,
        }));
    }
    match MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        Some((_, reason)) => Err(Skip::because(*reason)),
        None => Ok(None),
    }
}

/// Why an archive of Keynote, Pages or Numbers is not read. Keynote's files have the extension of keys.
fn of_apple(bytes: &[u8]) -> Option<&'static str> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let archive = Archive::open(bytes).ok()?;
    let has = |test: fn(&str) -> bool| archive.names().any(|name| test(&name));
    if has(|name| name.starts_with("Index/Slide") || name.starts_with("index.apxl")) {
        return Some("a Keynote presentation: export it as PDF or PPTX");
    }
    let is_apple = has(|name| name.ends_with(".iwa") || name == "Index.zip" || name == "index.xml.gz");
    is_apple.then_some("a document of Pages, Numbers or Keynote: export it as PDF or in an Office format")
}

/// Which document a zip archive is.
fn in_archive(bytes: &[u8]) -> Result<Option<FileType>, Skip> {
    let mut archive = Archive::open(bytes)?;
    // Some programs number these parts.
    let has = |name: &str| archive.names().any(|found| found.starts_with(name));
    let by_member =
        [("word/document", FileType::Docx), ("ppt/presentation", FileType::Pptx), ("xl/workbook", FileType::Workbook)];
    if let Some((_, kind)) = by_member.iter().find(|(name, _)| has(name)) {
        return Ok(Some(*kind));
    }
    let media_type = archive.member("mimetype")?.unwrap_or_default();
    let media_type = String::from_utf8_lossy(&media_type);
    let by_media_type = [
        ("application/epub+zip", FileType::Epub),
        ("application/vnd.oasis.opendocument.text", FileType::Odt),
        ("application/vnd.oasis.opendocument.spreadsheet", FileType::Workbook),
        ("application/vnd.oasis.opendocument.presentation", FileType::Odp),
    ];
    let found = by_media_type.iter().find(|(name, _)| media_type.trim().starts_with(name));
    found.map(|(_, kind)| Some(*kind)).ok_or_else(|| Skip::because("archive"))
}

/// What the text says where the name says nothing.
pub(crate) fn by_content(text: &str) -> FileType {
    let start: String = text.trim_start().chars().take(16).collect::<String>().to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        FileType::Html
    } else if start.starts_with("#!") {
        FileType::Code
    } else {
        FileType::Text
    }
}

/// The kinds by extension.
const READ: &[(&[&str], FileType)] = &[
    (&["md", "markdown", "mdown", "mkd", "mkdn", "mdx", "rmd", "qmd"], FileType::Markdown),
    (&["html", "htm", "xhtml", "shtml"], FileType::Html),
    (&["txt", "text", "adoc", "asciidoc", "log", "tex", "srt", "vtt", "wiki", "pod"], FileType::Text),
    (&["rst", "rest"], FileType::Restructured),
    (&["org"], FileType::Org),
    (&["csv"], FileType::Csv),
    (&["tsv", "tab"], FileType::Tsv),
    (&["json"], FileType::Json),
    (&["jsonl", "ndjson"], FileType::JsonLines),
    (&["yaml", "yml"], FileType::Yaml),
    (&["xml"], FileType::Xml),
    (&["ipynb"], FileType::Notebook),
    (&["pdf"], FileType::Pdf),
    (&["docx", "docm", "dotx", "dotm"], FileType::Docx),
    (&["doc", "dot"], FileType::Doc),
    (&["odt", "ott", "fodt"], FileType::Odt),
    (&["rtf"], FileType::Rtf),
    (&["pptx", "pptm", "ppsx", "potx"], FileType::Pptx),
    (&["ppt", "pps", "pot"], FileType::Ppt),
    (&["odp", "otp", "fodp"], FileType::Odp),
    (&["xlsx", "xlsm", "xltx", "xlsb", "xls", "xlt", "xlw", "ods", "ots", "fods"], FileType::Workbook),
    (&["eml"], FileType::Eml),
    (&["mht", "mhtml"], FileType::Mhtml),
    (&["mbox"], FileType::Mbox),
    (&["msg"], FileType::Msg),
    (&["epub"], FileType::Epub),
    (CODE, FileType::Code),
];

/// Source code and configuration.
#[rustfmt::skip]
const CODE: &[&str] = &[
    "rs", "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "tsx", "go", "java", "kt", "kts", "scala", "groovy", "gradle",
    "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "m", "mm", "cs", "fs", "vb", "swift", "dart", "rb", "php", "pl",
    "pm", "lua", "r", "jl", "hs", "ml", "mli", "elm", "ex", "exs", "erl", "hrl", "clj", "cljs", "lisp", "el", "scm",
    "zig", "nim", "d", "f90", "asm", "s", "v", "sv", "vhd", "sql", "graphql", "proto", "thrift", "sh", "bash", "zsh",
    "fish", "ps1", "bat", "cmd", "awk", "vim", "css", "scss", "sass", "less", "vue", "svelte", "astro", "xsl",
    "xsd", "json5", "jsonc", "toml", "ini", "cfg", "conf", "properties",
    "pyw", "mts", "cts", "c++", "h++", "ipp", "inl", "tcc", "cu", "cuh", "ino", "csx", "rake", "gemspec", "ru", "phtml", "ksh",
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
    (&["pages", "numbers", "keynote", "wpd"], "a word processor's or spreadsheet's own format"),
    (&["key", "pem", "p12", "pfx", "jks"], "key file"),
    (&["p7s", "p7m"], "signature"),
    (&["mobi", "azw3", "fb2", "djvu"], "a book in a format that is not read; EPUB is"),
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
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\x7fELF", "binary"),
    (b"SQLite format 3\0", "database or data file"),
    (b"GGUF", "model weights"),
];
