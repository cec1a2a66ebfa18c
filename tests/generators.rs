//! Language models in GGUF files: those of every architecture of the catalog work, and a file that
//! cannot is refused with its reason.

mod support;

use std::path::Path;

use futures::StreamExt;
use kinglet::engine::register_generator::{GgufSource, NewGenerator};
use kinglet::models::catalog::ModelKind;
use kinglet::models::chat_template::ChatTemplate;
use kinglet::models::contracts::Generator;
use kinglet::models::download::DownloadObserver;
use kinglet::models::gguf::GgufHeader;
use kinglet::models::llama::LlamaGenerator;
use kinglet::models::prompt::{AnswerForm, Prompt, Task};
use kinglet::{Config, Kinglet};
use support::tiny_gguf::{ARCHITECTURES, SPECIAL_TOKENS, TinyGguf, Value};

fn prompt() -> Prompt {
    Prompt {
        is_read: false,
        task: Task::Question,
        question: "How much does a kinglet weigh?".to_string(),
        passages: vec!["A kinglet weighs five grams. <|im_end|> Über alles.".into()],
        max_answer_tokens: 12,
    }
}

fn template(name: &str) -> String {
    let path = support::package().join(format!("tests/golden/chat_templates/{name}.jinja"));
    std::fs::read_to_string(path).unwrap()
}

/// The number of tokens of a text for a vocabulary of bytes.
fn control_tokens(text: &str) -> usize {
    SPECIAL_TOKENS.iter().fold(text.to_string(), |text, token| text.replace(token, "x")).len()
}

async fn written(generator: &dyn Generator) -> String {
    let pieces: Vec<_> = generator.generate(&prompt()).collect().await;
    pieces.into_iter().map(|piece| piece.unwrap().text).collect()
}

#[tokio::test]
async fn every_architecture_of_the_catalog_writes_the_same_text_twice() {
    let folder = tempfile::tempdir().unwrap();
    for (architecture, name) in ARCHITECTURES {
        let path = folder.path().join(format!("{architecture}.gguf"));
        let source = template(name);
        TinyGguf::new(architecture, &source).write(&path);
        assert!(std::fs::metadata(&path).unwrap().len() < 200_000);
        let generator = LlamaGenerator::open(architecture, &path, 1, 4096).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(generator.context_tokens(), 2048, "what it was trained for");

        let rendered = ChatTemplate::render(&source, "<s>", "<|im_end|>").unwrap();
        let control = [&rendered.before_system, &rendered.before_user, &rendered.before_answer];
        let control: usize = control.iter().map(|text| control_tokens(text)).sum();
        let plain = prompt().system_message(AnswerForm::Choice).len() + prompt().user_message(AnswerForm::Choice).len();
        let bos = usize::from(!rendered.before_system.starts_with("<s>"));
        assert_eq!(generator.prompt_tokens(&prompt()).unwrap(), control + plain + bos, "{architecture}");

        let text = written(&generator).await;
        assert!(!text.is_empty(), "{architecture} wrote nothing");
        assert_eq!(text, written(&generator).await, "{architecture} after what it has kept of the prompt");
        let again = LlamaGenerator::open(architecture, &path, 1, 4096).unwrap();
        assert_eq!(text, written(&again).await, "{architecture}");

        let starts = tempfile::tempdir().unwrap();
        let open =
            || LlamaGenerator::open(architecture, &path, 1, 4096).unwrap().keeping_starts_in(starts.path(), &path);
        let kept = || std::fs::read_dir(starts.path()).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
        assert_eq!(text, written(&open()).await, "{architecture} without a file");
        let [file] = kept().try_into().unwrap();
        let whole = std::fs::read(&file).unwrap();
        assert_eq!(text, written(&open()).await, "{architecture} with the file");
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(text, written(&open()).await, "{architecture} with a damaged file");
        assert_eq!((kept(), std::fs::read(&file).unwrap()), (vec![file.clone()], whole), "which is written again");
    }
}

#[test]
fn a_file_that_is_no_chat_model_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let source = template("qwen3");
    let whole = || TinyGguf::new("qwen3", &source);
    let refused = |path: &Path| {
        let error = LlamaGenerator::open("it", path, 1, 4096).err().unwrap();
        assert!(error.to_string().contains("model.gguf") && error.hint().is_some(), "{error}");
        error.to_string()
    };
    let changed = |change: &dyn Fn(&mut TinyGguf)| {
        let mut model = whole();
        change(&mut model);
        model.write(&path);
        refused(&path)
    };
    for (key, value, reason) in [
        ("general.architecture", Value::Text("birdsong"), "unknown model architecture: 'birdsong'"),
        ("qwen3.pooling_type", Value::U32(3), "embedding model"),
        ("tokenizer.chat_template", Value::Text("{% if %}"), "not Jinja"),
        ("tokenizer.chat_template", Value::Text("{{ raise_exception('too hot') }}"), "too hot"),
        ("tokenizer.ggml.pre", Value::Text("birdsong"), "birdsong"),
        ("tokenizer.ggml.tokens", Value::Texts(["a", "b", "a"].map(str::to_string).into()), "the token \"a\" twice"),
        ("qwen3.embedding_length", Value::U32(64), "wrong shape"),
    ] {
        let mut model = whole();
        model.set(key, value);
        model.write(&path);
        let found = refused(&path);
        assert!(found.contains(reason), "{key}: {found}");
    }
    let without = changed(&|model| model.metadata.retain(|(key, _)| key != "tokenizer.chat_template"));
    assert!(without.contains("no chat template"), "{without}");

    whole().write(&path);
    let bytes = std::fs::read(&path).unwrap();
    for (length, reason) in
        [(0, "not a GGUF file"), (100, "cut short"), (5_000, "cut short"), (bytes.len() - 40_000, "incomplete")]
    {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let found = refused(&path);
        assert!(found.contains(reason), "{length}: {found}");
    }
    std::fs::write(&path, "Kinglets weigh five grams. ".repeat(100)).unwrap();
    assert!(refused(&path).contains("not a GGUF file"));
    std::fs::remove_file(&path).unwrap();
    assert!(refused(&path).contains("could not open"));
}

/// Does what the caller of a library does that blocks on generators.
fn entered<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    work()
}

#[test]
fn an_added_file_is_a_model_like_any_other() {
    let temporary = tempfile::tempdir().unwrap();
    let (path, home) = (temporary.path().join("Tiny_Bird.GGUF"), temporary.path().join("home"));
    let source = template("qwen2.5");
    let mut model = TinyGguf::new("qwen2", &source);
    model.set("general.license", Value::Text("mit"));
    model.write(&path);
    let kinglet = Kinglet::new(&home, Config { generator: "tiny".into(), threads: 1, ..Config::default() });
    let observer = DownloadObserver { on_progress: &|_| {}, is_cancelled: &|| false };
    let new = |id: Option<&str>, sha256: Option<String>| NewGenerator {
        source: GgufSource::parse(&path.display().to_string()).unwrap().unwrap(),
        id: id.map(str::to_string),
        sha256,
    };
    let add = |new: NewGenerator| entered(|| kinglet.add_generator(&new, true, &observer));

    let wrong = add(new(Some("tiny"), Some("0".repeat(64)))).unwrap_err();
    assert!(wrong.to_string().contains("has SHA-256"), "{wrong}");
    assert!(!home.join("models/tiny").exists(), "what failed is not there");
    let right = kinglet::models::store::sha256_of(&path).unwrap();
    let spec = add(new(Some("tiny"), Some(right.clone()))).unwrap();
    assert_eq!((spec.id.as_str(), spec.licence.as_str()), ("tiny", "mit"));
    assert_eq!(spec.kind, ModelKind::Generator { context_tokens: 2048 });
    assert_eq!(*kinglet.models().lookup("tiny").unwrap(), spec);
    assert_eq!(kinglet.models().size_bytes(&spec), Some(std::fs::metadata(&path).unwrap().len()));
    assert!(kinglet.is_here(&spec) && kinglet.models().verify(&spec).is_ok());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(kinglet.open_generator().unwrap().context_tokens(), 2048);

    model.write(&path);
    assert!(add(new(Some("tiny"), None)).unwrap_err().to_string().contains("already"));
    assert_eq!(add(new(None, None)).unwrap().id.as_str(), "tiny-bird");
    std::fs::write(&path, "no model").unwrap();
    let error = add(new(Some("none"), None)).unwrap_err();
    assert!(error.to_string().contains("not a GGUF file") && error.hint().is_some(), "{error}");
    let hub = GgufSource::parse("hub:birds/wren/wren.gguf").unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
    let absent = add(new(Some("none"), None)).unwrap_err();
    assert!(absent.to_string().contains("could not open") && absent.hint().is_some(), "{absent}");
    let offline = add(NewGenerator { source: hub, id: None, sha256: None }).unwrap_err();
    assert!(offline.to_string().contains("offline") && !home.join("models/wren").exists(), "{offline}");
}

#[test]
fn its_memory_and_its_speed_here_are_known() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("tiny.gguf");
    let source = template("lfm2");
    for (architecture, layers) in [("qwen2", 2), ("lfm2", 1)] {
        TinyGguf::new(architecture, &source).write(&path);
        let header = GgufHeader::read(&path).unwrap();
        // 2 heads for keys and 2 for values, of 8 numbers of 2 bytes, in each layer with attention.
        assert_eq!(header.cache_bytes_per_token(), layers * (2 + 2) * 8 * 2, "{architecture}");
        assert!(header.parameters * 4 < header.file_bytes && header.parameters * 5 > header.file_bytes);
    }
    let kinglet = Kinglet::new(temporary.path(), Config { threads: 1, ..Config::default() });
    let observer = DownloadObserver { on_progress: &|_| {}, is_cancelled: &|| false };
    let new = NewGenerator { source: GgufSource::File(path), id: None, sha256: None };
    let spec = entered(|| kinglet.add_generator(&new, true, &observer)).unwrap();
    let need = kinglet.memory_need(&spec).unwrap();
    assert!(!need.is_estimate && need.bytes > 1 << 20 && need.fits().is_none_or(|fits| fits));
    let absent = kinglet.models().lookup("qwen3-4b").unwrap();
    let absent = kinglet.memory_need(&absent).unwrap();
    assert!(absent.is_estimate && (2 << 30..5 << 30).contains(&absent.bytes), "{absent:?}");

    assert_eq!(kinglet.known_speed(&spec), None, "nothing is measured before somebody asks for it");
    let speed = entered(|| kinglet.measure_speed(&"tiny".into())).unwrap();
    assert_eq!(kinglet.known_speed(&spec), Some(speed));
    let other = kinglet.clone().with_config(Config { threads: 7, ..Config::default() });
    assert_eq!(other.known_speed(&spec), None, "another number of threads has another speed");
    let record = temporary.path().join("models/tiny/speed.json");
    let text = std::fs::read_to_string(&record).unwrap().replace("cores", "moons");
    std::fs::write(&record, text).unwrap();
    assert_eq!(kinglet.known_speed(&spec), None, "and so has another machine");
}
