//! The metrics equal those of pytrec_eval: `make check-metrics` made tests/golden/metrics.jsonl,
//! and checks real runs.

mod support;

use std::collections::BTreeMap;

use kinglet::eval::metrics::Metrics;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    ranking: Vec<String>,
    judgments: BTreeMap<String, u32>,
    metrics: BTreeMap<String, f64>,
}

#[test]
fn metrics_equal_those_of_pytrec_eval() {
    let text = std::fs::read_to_string(support::package().join("tests/golden/metrics.jsonl")).unwrap();
    let mut compared = 0;
    for line in text.lines() {
        let golden: Golden = serde_json::from_str(line).unwrap();
        let ours = serde_json::to_value(Metrics::of(&golden.ranking, &golden.judgments)).unwrap();
        for (name, theirs) in &golden.metrics {
            let ours = ours[name].as_f64().unwrap_or_else(|| panic!("there is no {name}"));
            assert!((ours - theirs).abs() < 1e-6, "{name}: kinglet {ours}, pytrec_eval {theirs}, for {line}");
            compared += 1;
        }
    }
    assert_eq!(compared, 200);
}
