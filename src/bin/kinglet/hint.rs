//! Renders the hint of an error as a command that can be typed.

use kinglet::Hint;

/// Renders a hint. Commands are complete: they contain the names that the error is about.
pub fn rendered(hint: &Hint) -> String {
    match hint {
        Hint::IndexFolder { index: None } => "`kinglet index FOLDER` creates an index".to_string(),
        Hint::IndexFolder { index: Some(index) } => {
            format!("`kinglet index FOLDER --index {index}` indexes a folder, or continues where a run stopped")
        }
        Hint::NameIndex { among } => match among.as_slice() {
            [name] => format!("there is one index: add --index {name}"),
            [first, ..] => format!("the indexes are {}: add --index {first}, or another", among.join(", ")),
            [] => "there are no indexes yet: kinglet index FOLDER".to_string(),
        },
        Hint::UpdateIndex { index, effect } => {
            let index = index.as_ref().map(|index| format!(" --index {index}")).unwrap_or_default();
            match effect {
                Some(effect) => format!("run `kinglet index{index}` again: {effect}"),
                None => format!("run `kinglet index{index}`"),
            }
        }
        Hint::AddEmbedder { index, embedder } => format!("kinglet index --index {index} --add-embedder {embedder}"),
        Hint::AddEncoder { index, encoder } => {
            format!("kinglet index --index {index} --sparse {encoder} encodes the chunks and changes nothing else")
        }
        Hint::ChangeChunking { index, chunking } => format!("kinglet index --index {index} --chunking {chunking}"),
        Hint::DeleteAndUpdateIndex { path, effect } => {
            format!("delete {} and run `kinglet index`: {effect}", path.display())
        }
        Hint::RootIsGone { index: Some(index), root } => {
            let root = quoted(&root.display().to_string());
            format!(
                "if it was moved, `kinglet move {index} FOLDER --from {root}` embeds nothing again; \
                 `kinglet index --index {index} --drop {root}` takes its files out of the index"
            )
        }
        Hint::RootIsGone { index: None, .. } => {
            "`kinglet move` says where it is now; `kinglet index --drop` takes its files out of the index".to_string()
        }
        Hint::RebuildIndex { index } => {
            format!(
                "remove the index with `kinglet rm {index}` and index the folder again; your documents are not touched"
            )
        }
        Hint::ListIndexes => "`kinglet ls` lists the indexes; `kinglet index FOLDER` creates one".to_string(),
        Hint::PullModels { ids, force } => {
            format!("kinglet models pull {}{}", if *force { "--force " } else { "" }, ids.join(" "))
        }
        Hint::ListModels => "`kinglet models list` shows what each model is for".to_string(),
        Hint::Advice(sentence) => sentence.clone(),
        // The library may know more hints than this version of the command line.
        _ => "see `kinglet --help`".to_string(),
    }
}

/// The text as one word of a shell.
pub fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "/-_.,:+@%".contains(c));
    if is_plain { text.to_string() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn commands_in_hints_can_be_typed() {
        let (index, effect) = (|| "notes".to_string(), "it is built again");
        for (hint, command) in [
            (Hint::UpdateIndex { index: Some(index()), effect: None }, "kinglet index --index notes"),
            (Hint::UpdateIndex { index: None, effect: Some(effect) }, "kinglet index"),
            (
                Hint::AddEmbedder { index: index(), embedder: "hashing-256".to_string() },
                "kinglet index --index notes --add-embedder hashing-256",
            ),
            (
                Hint::AddEncoder { index: index(), encoder: "splade-tiny".to_string() },
                "kinglet index --index notes --sparse splade-tiny",
            ),
            (
                Hint::ChangeChunking { index: index(), chunking: "long".to_string() },
                "kinglet index --index notes --chunking long",
            ),
            (Hint::DeleteAndUpdateIndex { path: "a/manifest.json".into(), effect }, "kinglet index"),
            (Hint::RootIsGone { index: Some(index()), root: "/old".into() }, "kinglet move notes FOLDER --from /old"),
            (Hint::RootIsGone { index: Some(index()), root: "/old".into() }, "kinglet index --index notes --drop /old"),
            (Hint::RebuildIndex { index: index() }, "kinglet rm notes"),
            (Hint::ListIndexes, "kinglet ls"),
            (
                Hint::PullModels { ids: vec!["a".to_string(), "b".to_string()], force: true },
                "kinglet models pull --force a b",
            ),
            (Hint::ListModels, "kinglet models list"),
        ] {
            let text = rendered(&hint);
            assert!(text.contains(command), "{text}");
            Cli::try_parse_from(command.split(' ')).unwrap_or_else(|error| panic!("{command}: {error}"));
        }
        let among = vec!["letters".to_string(), "notes".to_string()];
        assert!(rendered(&Hint::NameIndex { among }).contains("--index letters"));
    }
}
