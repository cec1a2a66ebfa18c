//! The values of front matter: YAML between lines of `---`, or TOML between lines of `+++`.

use saphyr_parser::{Event, Parser};

/// Longer front matter is read to no values: nobody writes it.
const MAX_BYTES: usize = 64 << 10;
const MAX_VALUES: usize = 1_000;
const MAX_DEPTH: usize = 16;

/// Keys and values in their order, the fences of `front` included in it. The keys of nested tables
/// are joined by `.`; a list is a value for each of its items, under the same key. What is not well
/// formed ends the values there, and references within YAML are left out, so that no value is
/// larger than what was written.
pub(crate) fn values(front: &str) -> Vec<(String, String)> {
    let inner = front.split_once('\n').map_or("", |(_, rest)| rest);
    let inner = inner.trim_end().rsplit_once('\n').map_or("", |(rest, _)| rest);
    let mut found = match inner.len() > MAX_BYTES {
        true => Vec::new(),
        false if front.starts_with("+++") => toml_values(inner),
        false => yaml_values(inner),
    };
    found.truncate(MAX_VALUES);
    found
}

fn toml_values(text: &str) -> Vec<(String, String)> {
    fn flatten(key: &str, value: toml::Value, depth: usize, found: &mut Vec<(String, String)>) {
        match value {
            _ if depth > MAX_DEPTH => {}
            toml::Value::Table(table) => {
                for (inner, value) in table {
                    let key = if key.is_empty() { inner } else { format!("{key}.{inner}") };
                    flatten(&key, value, depth + 1, found);
                }
            }
            toml::Value::Array(items) => items.into_iter().for_each(|item| flatten(key, item, depth + 1, found)),
            toml::Value::String(text) => found.push((key.to_string(), text)),
            other => found.push((key.to_string(), other.to_string())),
        }
    }
    let mut found = Vec::new();
    flatten("", toml::Value::Table(text.parse().unwrap_or_default()), 0, &mut found);
    found
}

/// A table whose next scalar is a key, or the value of this key; or a list.
enum Open {
    Table(Option<String>),
    List,
}

fn yaml_values(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let ended = match event {
            Ok((Event::MappingStart(..), _)) if is_value(&open) => {
                open.push(Open::Table(None));
                false
            }
            Ok((Event::SequenceStart(..), _)) if is_value(&open) => {
                open.push(Open::List);
                false
            }
            Ok((Event::Scalar(text, ..), _)) => match open.last_mut() {
                Some(Open::Table(key @ None)) => {
                    *key = Some(text.into_owned());
                    false
                }
                Some(_) => {
                    let keys = open.iter().filter_map(|open| match open {
                        Open::Table(key) => key.as_deref(),
                        Open::List => None,
                    });
                    found.push((keys.collect::<Vec<_>>().join("."), text.into_owned()));
                    true
                }
                None => break,
            },
            Ok((Event::Alias(_), _)) if is_value(&open) => true,
            Ok((Event::MappingEnd | Event::SequenceEnd, _)) => open.pop().is_some(),
            Ok((Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _)) => false,
            // A key that is no scalar, the end, or no YAML.
            _ => break,
        };
        if let (true, Some(Open::Table(key))) = (ended, open.last_mut()) {
            *key = None;
        }
        if open.len() > MAX_DEPTH || found.len() >= MAX_VALUES {
            break;
        }
    }
    found
}

fn is_value(open: &[Open]) -> bool {
    !matches!(open.last(), Some(Open::Table(None)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(front: &str) -> Vec<String> {
        values(front).into_iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    #[test]
    fn yaml_and_toml_give_keys_and_values() {
        let yaml = "---\ntitle: 'Of wrens'\ntags: [birds, small]\nauthor:\n  name: Ann\n  since: 2020\ndraft: false # yes\n\
                    also: &a x\nsame: *a\nlast:\n- 1\n- two\n---\n";
        let wanted = [
            "title=Of wrens",
            "tags=birds",
            "tags=small",
            "author.name=Ann",
            "author.since=2020",
            "draft=false",
            "also=x",
            "last=1",
            "last=two",
        ];
        assert_eq!(pairs(yaml), wanted);
        let toml = "+++\ntitle = \"Of wrens\"\ndate = 2026-11-23\ntags = [\"birds\", \"small\"]\n[author]\nname = \"Ann\"\n+++\n";
        let mut found = pairs(toml);
        found.sort();
        assert_eq!(found, ["author.name=Ann", "date=2026-11-23", "tags=birds", "tags=small", "title=Of wrens"]);
    }

    #[test]
    fn what_is_not_well_formed_ends_the_values() {
        assert_eq!(pairs("---\na: 1\nb: [unclosed\n---\n"), ["a=1", "b=unclosed"]);
        for front in ["---\n---\n", "---", "+++\nno toml\n+++", "---\njust words\n---\n", "---\n? [a]\n: b\n---\n"] {
            assert_eq!(pairs(front), [""; 0], "{front:?}");
        }
        let bomb = format!("---\na: &a [x,x]\nb: {}*a{}\n---\n", "[".repeat(40), "]".repeat(40));
        assert_eq!(pairs(&bomb), ["a=x", "a=x"]);
    }

    proptest! {
        #[test]
        fn anything_is_read(text in "(---|\\+\\+\\+)\n[a-z:\\[\\]{}&*\\-\"' =.\n]{0,200}\n---\n") {
            prop_assert!(values(&text).len() <= MAX_VALUES);
        }
    }
}
