//! The types of files that are read. To read another one: write its reader, and add a row here.

use crate::document::{Document, Format};
use crate::office::{self, delimited};
use crate::skip::Skip;
use crate::{code, data, epub, mail, markdown, notebook, org, pdf, restructured, web_page};
use Reader::{Bytes, Text};

/// Reads the content of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader {
    /// Reads decoded text; also takes the name of the file.
    Text(ReadText),
    /// Reads bytes, and calls the function now and then when that takes long.
    Bytes(ReadBytes),
}

type ReadText = fn(&str, String) -> Result<Document, Skip>;
type ReadBytes = fn(&[u8], &dyn Fn()) -> Result<Document, Skip>;

/// One type of files.
struct Row {
    file_type: FileType,
    format: Format,
    extensions: &'static [&'static str],
    reader: Reader,
}

/// One row a type: its name in this crate, its family of formats, its extensions in lower case, its
/// reader.
macro_rules! file_types {
    ($($name:ident: $format:ident, $extensions:expr, $reader:expr;)*) => {
        /// The type of a file, which decides on its reader.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum FileType { $($name),* }

        /// The row of each type, in the order of the enum.
        const ROWS: &[Row] = &[$(Row {
            file_type: FileType::$name,
            format: Format::$format,
            extensions: $extensions,
            reader: $reader,
        }),*];
    };
}

file_types! {
    Markdown: Markdown, &["md", "markdown", "mdown", "mkd", "mkdn", "mdx", "rmd", "qmd"], Text(|_, text| Ok(markdown::read(text)));
    Html: Html, &["html", "htm", "xhtml", "shtml"], Text(|_, text| Ok(web_page::read(&text)));
    Text: Text, &["txt", "text", "adoc", "asciidoc", "log", "tex", "srt", "vtt", "wiki", "pod"], Text(|_, text| Ok(Document::without_headings(Format::Text, text)));
    Restructured: Text, &["rst", "rest"], Text(|_, text| Ok(restructured::read(text)));
    Org: Text, &["org"], Text(|_, text| Ok(org::read(text)));
    Csv: Table, &["csv"], Text(|_, text| delimited::read(text, ','));
    Tsv: Table, &["tsv", "tab"], Text(|_, text| delimited::read(text, '\t'));
    Json: Data, &["json"], Text(|_, text| Ok(data::read_json(text)));
    JsonLines: Data, &["jsonl", "ndjson"], Text(|_, text| Ok(data::read_json_lines(text)));
    Yaml: Data, &["yaml", "yml"], Text(|_, text| Ok(data::read_yaml(text)));
    Xml: Data, &["xml"], Text(|_, text| Ok(data::read_xml(text)));
    Notebook: Notebook, &["ipynb"], Text(|_, text| notebook::read(&text));
    Pdf: Pdf, &["pdf"], Bytes(pdf::read);
    Docx: Word, &["docx", "docm", "dotx", "dotm"], Bytes(|bytes, _| office::read_docx(bytes));
    Doc: Word, &["doc", "dot"], Bytes(|bytes, _| office::read_doc(bytes));
    Odt: Word, &["odt", "ott", "fodt"], Bytes(|bytes, _| office::read_odt(bytes));
    Rtf: Word, &["rtf"], Bytes(|bytes, _| office::read_rtf(bytes));
    Pptx: Slides, &["pptx", "pptm", "ppsx", "potx"], Bytes(|bytes, _| office::read_pptx(bytes));
    Ppt: Slides, &["ppt", "pps", "pot"], Bytes(|bytes, _| office::read_ppt(bytes));
    Odp: Slides, &["odp", "otp", "fodp"], Bytes(|bytes, _| office::read_odp(bytes));
    Workbook: Table, &["xlsx", "xlsm", "xltx", "xlsb", "xls", "xlt", "xlw", "ods", "ots", "fods"], Bytes(|bytes, _| office::read_workbook(bytes));
    Eml: Mail, &["eml"], Bytes(|bytes, _| mail::internet::read(bytes));
    Mhtml: Html, &["mht", "mhtml"], Bytes(|bytes, _| mail::saved_page::read(bytes));
    Mbox: Mail, &["mbox"], Bytes(|bytes, _| mail::internet::read_mailbox(bytes));
    Msg: Mail, &["msg"], Bytes(|bytes, _| mail::outlook::read(bytes));
    Epub: Book, &["epub"], Bytes(|bytes, _| epub::read(bytes));
    Code: Code, CODE, Text(|path_name, text| Ok(code::read(path_name, text)));
}

impl FileType {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The family of formats that the type belongs to.
    pub(crate) fn format(self) -> Format {
        self.row().format
    }

    pub(crate) fn reader(self) -> Reader {
        self.row().reader
    }

    /// The type of files with this extension, which is given in lower case.
    pub(crate) fn with_extension(extension: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.extensions.contains(&extension)).map(|row| row.file_type)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_extension_names_one_type_in_small_letters() {
        let all: Vec<&str> = ROWS.iter().flat_map(|row| row.extensions).copied().collect();
        let mut distinct = all.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(all.len(), distinct.len(), "an extension stands in two rows");
        assert!(all.iter().all(|extension| *extension == extension.to_lowercase()));
    }
}
