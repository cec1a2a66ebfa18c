//! A model of one's own joins the catalog when it does what its description says.

mod support;

use std::path::Path;

use kinglet::engine::Embedders;
use kinglet::{Config, Kinglet, NoProgress};
use support::tiny;

fn describe(folder: &Path, dimension: usize) {
    tiny::write_tokenizer(folder);
    tiny::write_static_table(folder);
    let text =
        format!("id = \"tiny\"\nkind = \"embedder\"\nengine = \"static\"\nmax_tokens = 64\ndimension = {dimension}\n");
    std::fs::write(folder.join("model.toml"), text).unwrap();
}

#[test]
fn an_added_model_is_a_model_like_any_other() {
    let temporary = tempfile::tempdir().unwrap();
    let (model, notes, home) =
        (temporary.path().join("m"), temporary.path().join("notes"), temporary.path().join("home"));
    std::fs::create_dir_all(&model).unwrap();
    support::write(
        &notes,
        &[("birds.md", "Kinglets and wrens are small birds."), ("lease.md", "The lease ends on the first of may.")],
    );
    let kinglet = Kinglet::new(&home, Config { embedder: "tiny".into(), ..Config::default() });

    describe(&model, 9);
    let error = kinglet.add_model(&model).unwrap_err();
    assert!(error.to_string().contains("shape"), "{error}");
    assert!(kinglet.models().lookup("tiny").is_err(), "what failed is not there");

    describe(&model, tiny::DIMENSION);
    assert_eq!(kinglet.add_model(&model).unwrap().id, "tiny");
    assert!(kinglet.models().specs().unwrap().iter().any(|spec| spec.id == "tiny"));
    kinglet.index_with("notes", &[notes], &Embedders::Keep, &NoProgress).unwrap();
    let found = kinglet.search("notes", "which birds are small", 1).unwrap();
    assert!(found[0].path.ends_with("birds.md"));

    let again = kinglet.add_model(&model).unwrap_err();
    assert!(again.to_string().contains("already") && again.hint().is_some(), "{again}");
    describe(&model, tiny::DIMENSION);
    let text = std::fs::read_to_string(model.join("model.toml")).unwrap().replace("\"tiny\"", "\"all-minilm-l6-v2\"");
    std::fs::write(model.join("model.toml"), text).unwrap();
    assert!(kinglet.add_model(&model).is_err(), "the catalog's names are taken");
}
