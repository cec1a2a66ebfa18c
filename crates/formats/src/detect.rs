//! Tells the type of a file by its first bytes, its name and its text.

use crate::archive::Archive;
use crate::file_type::FileType;
use crate::html;
use crate::office::{self, Flat};
use crate::skip::Skip;

/// The type of a file by its bytes, or else by its name; `None` if neither tells it.
///
/// # Errors
/// Why the file is not read, if its type is one that is not.
pub(crate) fn of(path_name: &str, bytes: &[u8]) -> Result<Option<FileType>, Skip> {
    if let Some(reason) = of_apple(bytes) {
        return Err(Skip::because(reason));
    }
    let by_name = by_name(path_name)?;
    Ok(by_bytes(bytes)?.or(by_name))
}

/// The type that the name tells, if any. An error names a type that is not read.
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
    Ok(FileType::with_extension(extension))
}

/// The type that the first bytes tell, if any. An error names a type that is not read.
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

/// Why an archive of Keynote, Pages or Numbers is not read. The extension does not tell: Keynote's
/// is that of key files.
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

/// The type of the document that a zip archive holds.
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

/// The type that the text tells where the name tells none.
pub(crate) fn by_content(text: &str) -> FileType {
    if html::is_page(text) {
        FileType::Html
    } else if text.trim_start().starts_with("#!") {
        FileType::Code
    } else {
        FileType::Text
    }
}

/// Names of code files whose extension does not tell that they are code.
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

/// Extensions of files that are not read, and the reason given for it.
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

/// First bytes of files that are not read, and the reason given for it.
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
