//! A user's model is added to the catalog if it does what its description says.

mod support;

use std::path::Path;

use kinglet::SearchOptions;
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
    let found =
        kinglet.open("notes").unwrap().search("which birds are small", &SearchOptions::limited(1)).unwrap().results;
    assert!(found[0].path.ends_with("birds.md"));

    let again = kinglet.add_model(&model).unwrap_err();
    assert!(again.to_string().contains("already") && again.hint().is_some(), "{again}");
    describe(&model, tiny::DIMENSION);
    let text = std::fs::read_to_string(model.join("model.toml")).unwrap().replace("\"tiny\"", "\"all-minilm-l6-v2\"");
    std::fs::write(model.join("model.toml"), text).unwrap();
    assert!(kinglet.add_model(&model).is_err(), "the catalog's names are taken");
}

#[test]
fn a_description_that_cannot_be_read_leaves_other_models_alone() {
    let home = tempfile::tempdir().unwrap();
    let model = home.path().join("model");
    std::fs::create_dir_all(&model).unwrap();
    describe(&model, tiny::DIMENSION);
    let kinglet = |embedder: &str| Kinglet::new(home.path(), Config { embedder: embedder.into(), ..Config::default() });
    let earlier = kinglet("tiny");
    assert!(earlier.models().lookup("tiny").is_err());
    kinglet("tiny").add_model(&model).unwrap();
    assert!(earlier.models().lookup("tiny").is_ok(), "what was added meanwhile is found");

    let broken = home.path().join("models/broken");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(broken.join("model.toml"), "id = 1").unwrap();
    let models = kinglet("broken").models().clone();
    assert!(models.lookup("tiny").is_ok() && models.lookup("all-minilm-l6-v2").is_ok());
    let why = |error: kinglet::Error| error.to_string();
    assert!(why(models.lookup("broken").unwrap_err()).contains("broken/model.toml"));
    assert!(why(models.lookup("no-such").unwrap_err()).contains("no model called `no-such`"));
    assert!(why(models.specs().unwrap_err()).contains("broken/model.toml"), "a list does not leave it out in silence");

    describe(&broken, tiny::DIMENSION);
    let mended = std::fs::read_to_string(broken.join("model.toml")).unwrap().replace("\"tiny\"", "\"broken\"");
    std::fs::write(broken.join("model.toml"), mended).unwrap();
    assert!(models.lookup("broken").is_ok() && models.specs().is_ok(), "a mended one counts at once");
}
