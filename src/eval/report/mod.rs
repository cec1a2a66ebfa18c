//! The report of a comparison, as an HTML page and as JSON: one self-contained file each.

mod page;
mod plot;

use serde::Serialize;

use super::comparison::Comparison;

/// The circumstances of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// The index or collection.
    pub name: String,
    /// The number of its documents.
    pub documents: usize,
    /// The number of its chunks.
    pub chunks: u64,
    /// The machine that measured it.
    pub machine: String,
    /// Kinglet's version.
    pub version: String,
    /// A sentence for each requested system that could not be compared.
    pub left_out: Vec<String>,
    /// True if `kinglet use` can make the winner the default.
    pub can_be_used: bool,
}

/// Comparisons with their circumstances; `report.json` is its serialised form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The circumstances.
    pub about: About,
    /// The comparisons, one for each origin of questions.
    pub comparisons: Vec<Comparison>,
}

impl Report {
    /// The report as JSON, indented.
    pub fn json(&self) -> String {
        let value = serde_json::to_value(self).expect("a report is plain data");
        format!("{value:#}\n")
    }

    /// The report as one HTML page for light and dark screens.
    pub fn html(&self) -> String {
        page::page(&self.about, &self.comparisons).into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::comparison::compare_runs;
    use crate::eval::comparison::tests::system_run;

    #[test]
    fn a_page_is_complete_and_escapes_hostile_questions() {
        let mut runs = [system_run("a:dense", &[1; 12], 12.0), system_run("bm25", &[3; 12], 1.0)];
        for run in &mut runs {
            run.questions[1].text = "</script><script>alert(1)</script> & \"quotes\"".to_string();
        }
        let report = Report { about: about(), comparisons: compare_runs(&runs, Some("bm25")) };
        let page = report.html();
        assert!(!page.contains("<script") && !page.contains("notes<b>"), "text from documents is no markup");
        assert!(!page.contains("http://") && !page.contains("src="), "nothing is fetched");
        for part in [
            "Verdict",
            "Pareto",
            "kinglet use a:dense",
            "words alone",
            "nDCG@10 (1 is best)",
            "prefers-color-scheme: dark",
            "</html>",
        ] {
            assert!(page.contains(part), "{part}");
        }
        let value: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(value["comparisons"][0]["systems"][0]["ndcg_at_10"].as_array().unwrap().len(), 12);
    }

    fn about() -> About {
        About {
            name: "notes<b>".to_string(),
            documents: 6,
            chunks: 12,
            machine: "a machine".to_string(),
            version: "0".to_string(),
            left_out: Vec::new(),
            can_be_used: true,
        }
    }
}
