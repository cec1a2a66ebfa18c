//! Whatever is written as a filter is a filter or an error; a filter prints as itself and can be
//! applied.
#![no_main]
#![allow(dead_code)] // the files of kinglet below have more than is used here

use libfuzzer_sys::fuzz_target;

// Only these files of kinglet, because the whole of it takes many minutes to compile.
#[path = "../../src"]
mod kinglet {
    pub mod error;
    pub mod search {
        pub mod filter;
    }
}
use kinglet::error;
use kinglet::search::filter::Filter;

mod index {
    pub mod store {
        /// What filters ask of a chunk.
        pub struct Outline {
            pub root: String,
            pub path: String,
            pub modified_ns: i64,
            pub headings: Vec<String>,
            pub metadata: Vec<(String, String)>,
        }
    }
}

fuzz_target!(|input: &str| {
    let (written, name) = input.split_once('\n').unwrap_or((input, "a/b.md"));
    let Ok(filter) = Filter::parse(written) else { return };
    assert_eq!(Filter::parse(&filter.to_string()).expect("what is printed can be parsed"), filter);
    let sent = serde_json::to_string(&filter).expect("a filter is data");
    assert_eq!(serde_json::from_str::<Filter>(&sent).expect("what was sent can be received"), filter);
    let outline = index::store::Outline {
        root: format!("/{name}"),
        path: name.to_owned(),
        modified_ns: name.len() as i64,
        headings: vec![name.to_owned()],
        metadata: vec![(name.to_owned(), name.to_owned())],
    };
    let no_words = |_: &_| Ok(std::collections::HashSet::new());
    filter.matcher(&no_words).expect("a filter was compiled when it was parsed").matches(&outline);
});
