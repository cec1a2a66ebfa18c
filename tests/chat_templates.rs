//! Chat templates write what their publishers mean: compared with texts that Jinja2 rendered.

mod support;

use kinglet::models::chat_template::ChatTemplate;

#[test]
fn every_family_of_the_catalog_has_its_text() {
    let folder = support::package().join("tests/golden/chat_templates");
    let mut compared = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jinja") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let template = ChatTemplate::render(&source, "<BOS>", "<EOS>").unwrap();
        let ChatTemplate { before_system, before_user, before_answer } = &template;
        let text = format!("{before_system}You answer questions.{before_user}Who pays for repairs?{before_answer}");
        assert_eq!(text, std::fs::read_to_string(path.with_extension("txt")).unwrap(), "{}", path.display());
        assert!(!template.begins_with_thinking());
        compared += 1;
    }
    assert_eq!(compared, 10);
}
