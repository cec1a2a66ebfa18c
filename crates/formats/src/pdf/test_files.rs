//! Makes PDF files for tests.

use std::fmt::Write;

use super::read;
use crate::document::Document;

/// A PDF with a page for each content; `more` holds further objects, numbered from 5 on, and `root`
/// further keys. Its font is `F`; the first of the further objects is also the font `G` and the
/// form `X`.
pub(super) fn pdf(contents: &[&str], root: &str, more: &[&str]) -> Vec<u8> {
    let first = 5 + more.len();
    let kids: String = (0..contents.len()).map(|page| format!("{} 0 R ", first + 2 * page)).collect();
    let mut objects = vec![
        format!("<</Type/Catalog/Pages 2 0 R {root}>>"),
        format!("<</Type/Pages/Kids[{kids}]/Count {}>>", contents.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        "<</Title(A \\(small\\) title)/Author<FEFF005A006F00EB>/CreationDate(D:20240305120000Z)>>".to_owned(),
    ];
    objects.extend(more.iter().map(|object| (*object).to_owned()));
    for (page, content) in contents.iter().enumerate() {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R/G 5 0 R>>/XObject<</X 5 0 R>>>>/Contents {} 0 R>>",
            first + 2 * page + 1
        ));
        objects.push(format!("<</Length {}>>stream\n{content}\nendstream", content.len()));
    }
    let mut file = "%PDF-1.7\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", file.len()).unwrap();
        writeln!(file, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let start = file.len();
    write!(file, "{table}trailer<</Size {}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{start}\n%%EOF", objects.len() + 1)
        .unwrap();
    file.into_bytes()
}

/// Text at places, in a size: `x y size text`.
pub(super) fn at(lines: &[(i32, i32, i32, &str)]) -> String {
    let show = |&(x, y, size, text): &(i32, i32, i32, &str)| format!("BT /F {size} Tf {x} {y} Td ({text}) Tj ET\n");
    lines.iter().map(show).collect()
}

pub(super) fn document(bytes: &[u8]) -> Document {
    read(bytes, &|| {}).unwrap()
}
