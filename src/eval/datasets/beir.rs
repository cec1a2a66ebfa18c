//! Reads collections in BEIR's layout: `corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv`.
//!
//! Source: Thakur, Reimers, Rücklé, Srivastava & Gurevych, *BEIR: A Heterogeneous Benchmark for
//! Zero-shot Evaluation of Information Retrieval Models*, NeurIPS 2021.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::eval::judgments::Judgments;

/// A document of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BeirDocument {
    /// Its id in the collection.
    #[serde(rename = "_id")]
    pub id: String,
    /// Its title; may be empty.
    #[serde(default)]
    pub title: String,
    /// Its text.
    pub text: String,
}

/// A collection: documents, queries, and which documents are relevant to which query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beir {
    /// The documents, in the order of the file.
    pub documents: Vec<BeirDocument>,
    /// The queries that have a relevant document, as (id, text), sorted by id.
    pub queries: Vec<(String, String)>,
    /// The judgments, by query id.
    pub judgments: BTreeMap<String, Judgments>,
}

impl Beir {
    /// Reads the collection in `folder` with the judgments of one split, `qrels/SPLIT.tsv`.
    ///
    /// # Errors
    /// When a file is missing, a line is malformed (the error has its number), or no query has a
    /// relevant document.
    pub fn read(folder: &Path, split: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct BeirQuery {
            #[serde(rename = "_id")]
            id: String,
            text: String,
        }
        let documents: Vec<BeirDocument> = json_lines(&folder.join("corpus.jsonl"))?;
        let judgments = read_judgments(&folder.join("qrels").join(format!("{split}.tsv")))?;
        let has_relevant = |id: &str| judgments.get(id).is_some_and(|grades| grades.values().any(|&grade| grade > 0));
        let mut queries: Vec<(String, String)> = json_lines::<BeirQuery>(&folder.join("queries.jsonl"))?
            .into_iter()
            .filter(|query| has_relevant(&query.id))
            .map(|query| (query.id, query.text))
            .collect();
        queries.sort();
        if queries.is_empty() {
            return Err(Error::input(format!("no query in {} has a relevant document", folder.display()))
                .with_hint(format!("qrels/{split}.tsv must name the ids of queries.jsonl")));
        }
        Ok(Beir { documents, queries, judgments })
    }
}

fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(usize, String)>> + '_> {
    let file = File::open(path).map_err(|cause| {
        Error::io("open", path, cause).with_hint(
            "a BEIR folder has corpus.jsonl, queries.jsonl and qrels/test.tsv, or another split that --split names",
        )
    })?;
    let numbered = BufReader::new(file).lines().enumerate();
    Ok(numbered.map(|(at, line)| Ok((at + 1, line.map_err(|cause| Error::io("read", path, cause))?))))
}

fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let mut values = Vec::new();
    for line in lines(path)? {
        let (number, line) = line?;
        if !line.trim().is_empty() {
            let value = serde_json::from_str(&line).map_err(|cause| {
                Error::input(format!("{}:{number} is not a line of BEIR's layout: {cause}", path.display()))
            })?;
            values.push(value);
        }
    }
    Ok(values)
}

fn read_judgments(path: &Path) -> Result<BTreeMap<String, Judgments>> {
    let mut judgments: BTreeMap<String, Judgments> = BTreeMap::new();
    for line in lines(path)? {
        let (number, line) = line?;
        let fields: Vec<&str> = line.trim().split('\t').collect();
        match fields[..] {
            [""] | ["query-id", ..] => {}
            // Some collections have grades below 0; they count as not relevant.
            [query, document, grade] if grade.parse::<i32>().is_ok() => {
                let grade = grade.parse::<i32>().map_or(0, |grade| grade.max(0).unsigned_abs());
                judgments.entry(query.to_string()).or_default().insert(document.to_string(), grade);
            }
            _ => {
                return Err(Error::input(format!(
                    "{}:{number} does not have query, document and grade",
                    path.display()
                ))
                .with_hint("separate the fields with tabs; the grade is a whole number"));
            }
        }
    }
    Ok(judgments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_read_and_errors_name_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::create_dir(folder.path().join("qrels")).unwrap();
        write("corpus.jsonl", "{\"_id\":\"d1\",\"title\":\"T\",\"text\":\"one\"}\n{\"_id\":\"d2\",\"text\":\"two\"}\n");
        write("queries.jsonl", "{\"_id\":\"q1\",\"text\":\"?\"}\n{\"_id\":\"q2\",\"text\":\"??\"}\n");
        write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t2\nq2\td1\t0\n");
        let collection = Beir::read(folder.path(), "test").unwrap();
        assert_eq!(collection.documents.len(), 2);
        assert_eq!(collection.queries, [("q1".to_string(), "?".to_string())]);
        assert_eq!(collection.judgments["q1"]["d2"], 2);
        write("qrels/test.tsv", "q1 d2 2\n");
        assert!(Beir::read(folder.path(), "test").unwrap_err().to_string().contains("test.tsv:1"));
        write("corpus.jsonl", "{\"_id\":\"d1\",\"text\":\"one\"}\nnot json\n");
        assert!(Beir::read(folder.path(), "test").unwrap_err().to_string().contains("corpus.jsonl:2"));
    }
}
