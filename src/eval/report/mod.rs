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
    use crate::eval::comparison::tests::system_run;
    use crate::eval::comparison::{Stage, compare_runs};

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

    /// The numbers in some attributes of an SVG element.
    fn coordinates<'s>(svg: &'s str, attributes: &'s [&'s str]) -> impl Iterator<Item = f64> + 's {
        let values = attributes.iter().flat_map(|name| svg.split(*name).skip(1));
        values.map(|rest| rest.split('"').next().unwrap().parse().unwrap())
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_drawn_outside_of_its_picture(
            systems in proptest::collection::vec((proptest::collection::vec(0usize..12, 8), 0.0f64..1e5, 0u64..1 << 34), 2..7),
        ) {
            let runs: Vec<_> = systems.iter().enumerate().map(|(at, (places, milliseconds, bytes))| {
                let mut run = system_run(&format!("e{at}:dense"), places, *milliseconds);
                run.cost.p50_ms = milliseconds / 10.0;
                run.cost.peak_memory_bytes = Some(*bytes);
                run.cost.parameters = Some(*bytes / 1000);
                let stage = |name: &str, p50_ms| Stage { name: name.to_string(), p50_ms, p95_ms: p50_ms };
                run.cost.stages = vec![stage("dense", *milliseconds), stage("fusion", -0.1)];
                run
            }).collect();
            let page = Report { about: about(), comparisons: compare_runs(&runs, None) }.html();
            let pictures: Vec<&str> = page.split("<svg").skip(1).map(|part| part.split("</svg>").next().unwrap()).collect();
            proptest::prop_assert!(pictures.len() > 2 * runs.len());
            for svg in pictures {
                let sizes = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
                let (width, height) = sizes.split_once(' ').unwrap();
                let (width, height): (f64, f64) = (width.parse().unwrap(), height.parse().unwrap());
                let inside = |value: f64, margin: f64, size: f64| value - margin >= 0.0 && value + margin <= size;
                let radius = coordinates(svg, &[" r=\""]).next().unwrap_or(0.0);
                for (attributes, margin, size) in [
                    (&[" x=\"", " x1=\"", " x2=\""][..], 0.0, width),
                    (&[" y=\"", " y1=\"", " y2=\""], 0.0, height),
                    (&[" cx=\""], radius, width),
                    (&[" cy=\""], radius, height),
                ] {
                    for value in coordinates(svg, attributes) {
                        proptest::prop_assert!(inside(value, margin, size), "{attributes:?} {value} of {size} in {svg}");
                    }
                }
                for (x, wide) in coordinates(svg, &[" x=\""]).zip(coordinates(svg, &[" width=\""])) {
                    proptest::prop_assert!(x + wide <= width + 0.1, "{svg}");
                }
                // A path of M, H and V has an x after M and H.
                for path in svg.split(" d=\"M").skip(1) {
                    let xs = path.split('"').next().unwrap().split(['H', 'M']);
                    for x in xs.map(|part| part.split([' ', 'V']).next().unwrap().parse::<f64>().unwrap()) {
                        proptest::prop_assert!(inside(x, 0.0, width), "{svg}");
                    }
                }
            }
        }
    }
}
