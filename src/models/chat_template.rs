//! A model's chat template: Jinja from the model's own file, rendered once and within bounds. Only
//! this file names `minijinja`.

use jiff::civil::DateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, context};

/// The largest template that is parsed. The largest known ones, with rules for tools, have 20 KiB.
const MAX_TEMPLATE_BYTES: usize = 128 << 10;
/// Bounds the time and the memory of rendering: about one unit for an instruction of Jinja and for
/// 64 bytes of text. The templates of the catalog need less than a thousand.
const FUEL: u64 = 100_000;
const MAX_RECURSION: usize = 50;
/// The longest text that a template may put around the two messages.
const MAX_RENDERED_BYTES: usize = 32 << 10;

/// Stand for the two messages while the template is rendered.
const SYSTEM_MARK: &str = "kinglet-system-message";
const USER_MARK: &str = "kinglet-user-message";

/// The day that a template gets as today's. It is always the same one, the default of Llama 3.2, so
/// that a question has the same prompt, and so the same answer, on every day.
const TODAY: DateTime = jiff::civil::date(2024, 7, 26).at(0, 0, 0, 0);

/// What a chat template writes around a system message and a user's message, up to where the
/// model's answer begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatTemplate {
    /// The text before the system message.
    pub before_system: String,
    /// The text between the messages.
    pub before_user: String,
    /// The text after the user's message.
    pub before_answer: String,
}

impl ChatTemplate {
    /// Renders the Jinja template `source` with the texts of the vocabulary's first and last token.
    /// If the template knows no system role, the system message stands before the user's message,
    /// in its turn.
    ///
    /// # Errors
    /// The reason, as a clause, when the template is too large, is not Jinja, fails, does not end,
    /// or leaves out a message.
    pub fn render(source: &str, bos: &str, eos: &str) -> Result<Self, String> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(format!("its chat template has {} bytes, more than {MAX_TEMPLATE_BYTES}", source.len()));
        }
        let source = without_generation_blocks(source);
        let environment = environment();
        let template = environment.template_from_str(&source).map_err(|error| reason(&error))?;
        let render = |messages: &[minijinja::Value]| {
            let values = context! {
                messages, add_generation_prompt => true, bos_token => bos, eos_token => eos,
                enable_thinking => false, thinking => false,
            };
            template.render(values).map_err(|error| reason(&error)).and_then(|text| Self::cut(&text))
        };
        let message = |role: &str, content: &str| context! { role, content };
        render(&[message("system", SYSTEM_MARK), message("user", USER_MARK)])
            .or_else(|why| render(&[message("user", &format!("{SYSTEM_MARK}\n\n{USER_MARK}"))]).map_err(|_| why))
    }

    /// True if the model's answer begins in the middle of its thinking.
    pub fn begins_with_thinking(&self) -> bool {
        self.before_answer.trim_end().ends_with("<think>")
    }

    fn cut(text: &str) -> Result<Self, String> {
        if text.len() > MAX_RENDERED_BYTES {
            return Err(format!("its chat template writes {} bytes around a question", text.len()));
        }
        let (before_system, rest) = text.split_once(SYSTEM_MARK).ok_or("its chat template drops the system message")?;
        let (before_user, before_answer) = rest.split_once(USER_MARK).ok_or("its chat template drops the question")?;
        if [before_user, before_answer].iter().any(|part| part.contains(SYSTEM_MARK) || part.contains(USER_MARK)) {
            return Err("its chat template repeats a message".to_string());
        }
        Ok(ChatTemplate {
            before_system: before_system.to_string(),
            before_user: before_user.to_string(),
            before_answer: before_answer.to_string(),
        })
    }
}

/// Jinja as publishers of models write it: that of Hugging Face's transformers, with methods of
/// Python's strings.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are Jinja's own"));
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_RECURSION);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", |format: String| {
        jiff::fmt::strtime::format(&format, TODAY)
            .map_err(|cause| Error::new(ErrorKind::InvalidOperation, cause.to_string()))
    });
    environment
}

/// Replaces the tags `generation` and `endgeneration`, with which transformers marks what a model
/// is trained on, by those of a block that is always written.
fn without_generation_blocks(source: &str) -> String {
    let mut pieces = source.split("{%");
    let mut result = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let inner = piece.trim_start_matches(['-', '+']).trim_start();
        let before = &piece[..piece.len() - inner.len()];
        let name = inner.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let (name, after) = match name {
            "generation" => ("if true", &inner[name.len()..]),
            "endgeneration" => ("endif", &inner[name.len()..]),
            _ => ("", inner),
        };
        result.extend(["{%", before, name, after]);
    }
    result
}

fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "its chat template does not end".to_string(),
        ErrorKind::SyntaxError => format!("its chat template is not Jinja: {error}"),
        _ => format!("its chat template failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(source: &str) -> String {
        ChatTemplate::render(source, "", "").unwrap_err()
    }

    #[test]
    fn a_hostile_template_is_an_error_soon() {
        let messages = "{% for message in messages %}{{ message.content }}{% endfor %}";
        assert!(ChatTemplate::render(messages, "", "").is_ok());
        for (source, reason) in [
            ("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "does not end"),
            (
                "{% set ns = namespace(x='x') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                "does not end",
            ),
            ("{{ 'x' * 1000000000 }}", "does not end"),
            ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
            ("{{ messages.nothing.there }}", "failed"),
            ("{% include 'secrets.txt' %}", "not Jinja"),
            ("{% for message in messages %}", "not Jinja"),
            ("Say yes.", "drops the system message"),
            ("{{ messages[0].role }}", "drops"),
            (&"{{ messages[0].content }}{{ messages[1].content }}".repeat(2), "repeats a message"),
            (&format!("{messages}{{{{ 'x' * 40000 }}}}"), "writes"),
            (&"(".repeat(MAX_TEMPLATE_BYTES + 1), "more than"),
            (&format!("{{{{ {} }}}}", "(".repeat(10_000)), "not Jinja"),
        ] {
            let found = failure(source);
            assert!(found.contains(reason), "{}: {found}", source.chars().take(80).collect::<String>());
        }
        assert!(failure("{{ raise_exception('only one turn') }}").contains("only one turn"));
    }

    #[test]
    fn a_block_for_training_is_text_like_any_other() {
        let source = "{{ messages[0].content }}{{ messages[1].content }}{%- generation -%} a {%+ endgeneration %}{% set generation = 1 %}b";
        assert_eq!(ChatTemplate::render(source, "", "").unwrap().before_answer, "a b");
    }
}
