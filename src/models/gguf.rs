//! The header of a GGUF file: what the file says about its model, read without loading it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// Longer texts and lists are skipped: names and lists with one number a layer are shorter,
/// vocabularies and chat templates are longer.
const MAX_TEXT_BYTES: u64 = 1 << 10;
const MAX_LIST_NUMBERS: u64 = 4096;
/// The most entries of metadata. Models have less than a hundred.
const MAX_ENTRIES: u64 = 10_000;

/// The name of the list of tokens.
const VOCABULARY: &str = "tokenizer.ggml.tokens";

// The numbers of the types that are not of a fixed size.
const STRING: u32 = 8;
const LIST: u32 = 9;

/// The metadata of a GGUF file and the sizes of its tensors. The layout is
/// <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
#[derive(Debug, Clone, PartialEq)]
pub struct GgufHeader {
    /// The size of the file.
    pub file_bytes: u64,
    /// The number of learned parameters: the components of all tensors.
    pub parameters: u64,
    metadata: HashMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    /// One number, or a list of them.
    Numbers(Vec<u64>),
    Skipped,
}

impl GgufHeader {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is not a GGUF file of version 2 or 3, or ends within its
    /// header.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|cause| {
            Error::io("open", path, cause).with_hint("name a GGUF file that is there and that you may read")
        })?;
        let metadata = file.metadata().map_err(|cause| Error::io("look at", path, cause))?;
        if metadata.is_dir() {
            return Err(unusable(path, "it is a folder"));
        }
        let file_bytes = metadata.len();
        let mut reader = HeaderReader { inner: BufReader::new(file), left: file_bytes };
        reader.header(file_bytes).map_err(|why| unusable(path, &why))
    }

    /// The kind of network, such as `llama` or `qwen3`.
    pub fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or("unknown")
    }

    /// The licence that the file names.
    pub fn licence(&self) -> Option<&str> {
        self.text("general.license")
    }

    /// True if the model gives vectors or scores instead of text.
    pub fn is_embedding_model(&self) -> bool {
        self.number("pooling_type").is_some_and(|kind| kind > 0) || self.number("attention.causal") == Some(0)
    }

    /// The memory that each token of a prompt and its answer takes, for keys and values of 16 bits:
    /// an upper bound, because some layers of some models keep fewer tokens.
    pub fn cache_bytes_per_token(&self) -> u64 {
        let number = |key: &str| self.number(key).unwrap_or(0);
        let heads = number("attention.head_count").max(1);
        let head_size = number("embedding_length") / heads;
        let size = |key: &str| self.number(key).unwrap_or(head_size);
        let components = size("attention.key_length") + size("attention.value_length");
        // A list has one number a layer: 0 for layers that keep no tokens.
        let kept_heads = match self.numbers("attention.head_count_kv") {
            Some([heads]) => heads.saturating_mul(number("block_count")),
            Some(by_layer) => by_layer.iter().fold(0, |sum: u64, heads| sum.saturating_add(*heads)),
            None => heads.saturating_mul(number("block_count")),
        };
        kept_heads.saturating_mul(components).saturating_mul(2)
    }

    fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Numbers(_) | Value::Skipped) | None => None,
        }
    }

    /// A number, or a list of them, that describes this architecture.
    fn numbers(&self, key: &str) -> Option<&[u64]> {
        match self.metadata.get(&format!("{}.{key}", self.architecture())) {
            Some(Value::Numbers(numbers)) => Some(numbers),
            Some(Value::Text(_) | Value::Skipped) | None => None,
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.numbers(key).and_then(|numbers| numbers.iter().copied().max())
    }
}

/// The error for a file that cannot be used as a language model.
pub(super) fn unusable(path: &Path, why: &str) -> Error {
    Error::damaged(format!("{} cannot be used as a language model: {why}", path.display()))
        .with_hint("fetch it again with `kinglet models pull`, or name another chat model in GGUF")
}

/// Reads a file and never beyond its end, whatever sizes it names.
struct HeaderReader {
    inner: BufReader<File>,
    left: u64,
}

type HeaderResult<T> = std::result::Result<T, String>;

impl HeaderReader {
    fn header(&mut self, file_bytes: u64) -> HeaderResult<GgufHeader> {
        if self.left < 24 || self.bytes::<4>()? != *b"GGUF" {
            return Err("it is not a GGUF file".to_string());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("it is GGUF version {version}; kinglet reads versions 2 and 3"));
        }
        let (tensors, entries) = (self.u64()?, self.u64()?);
        if tensors == 0 || entries == 0 {
            return Err("there is no model in it".to_string());
        }
        if entries > MAX_ENTRIES {
            return Err(format!("its header has {entries} entries, more than {MAX_ENTRIES}"));
        }
        let mut metadata = HashMap::new();
        for _ in 0..entries {
            let Value::Text(key) = self.string()? else { return Err("a name in its header is not a text".to_string()) };
            let kind = self.u32()?;
            let value = if key == VOCABULARY { self.vocabulary(kind)? } else { self.value(kind)? };
            metadata.insert(key, value);
        }
        let mut parameters: u64 = 0;
        for _ in 0..tensors {
            self.string()?;
            let dimensions = self.u32()?;
            let mut components: u64 = 1;
            for _ in 0..dimensions {
                components = components.saturating_mul(self.u64()?);
            }
            self.skip(4 + 8)?; // the type of its numbers, and its place
            parameters = parameters.saturating_add(components);
        }
        Ok(GgufHeader { file_bytes, parameters, metadata })
    }

    /// Skips the vocabulary. llama.cpp would end the process if it had a token twice.
    fn vocabulary(&mut self, kind: u32) -> HeaderResult<Value> {
        if kind != LIST || self.u32()? != STRING {
            return Err("its vocabulary is not a list of texts".to_string());
        }
        let mut tokens = HashSet::new();
        for _ in 0..self.u64()? {
            if let Value::Text(token) = self.string()?
                && !token.is_empty()
                && let Some(token) = tokens.replace(token)
            {
                return Err(format!("its vocabulary has the token {token:?} twice"));
            }
        }
        Ok(Value::Skipped)
    }

    fn value(&mut self, kind: u32) -> HeaderResult<Value> {
        match kind {
            STRING => self.string(),
            LIST => {
                let (kind, count) = (self.u32()?, self.u64()?);
                if kind == STRING {
                    for _ in 0..count {
                        let length = self.u64()?;
                        self.skip(length)?;
                    }
                    return Ok(Value::Skipped);
                }
                if count > MAX_LIST_NUMBERS || !is_integer(kind) {
                    self.skip(size_bytes(kind)?.saturating_mul(count))?;
                    return Ok(Value::Skipped);
                }
                (0..count).map(|_| self.integer(kind)).collect::<HeaderResult<_>>().map(Value::Numbers)
            }
            kind if is_integer(kind) => Ok(Value::Numbers(vec![self.integer(kind)?])),
            kind => self.skip(size_bytes(kind)?).map(|()| Value::Skipped),
        }
    }

    /// A whole number or a truth value; negative numbers count as 0.
    fn integer(&mut self, kind: u32) -> HeaderResult<u64> {
        Ok(match kind {
            0 | 7 => u64::from(self.bytes::<1>()?[0]),
            1 => i8::from_le_bytes(self.bytes()?).try_into().unwrap_or(0),
            2 => u64::from(u16::from_le_bytes(self.bytes()?)),
            3 => i16::from_le_bytes(self.bytes()?).try_into().unwrap_or(0),
            4 => u64::from(self.u32()?),
            5 => i32::from_le_bytes(self.bytes()?).try_into().unwrap_or(0),
            10 => self.u64()?,
            _ => i64::from_le_bytes(self.bytes()?).try_into().unwrap_or(0),
        })
    }

    fn string(&mut self) -> HeaderResult<Value> {
        let length = self.u64()?;
        if length > MAX_TEXT_BYTES {
            return self.skip(length).map(|()| Value::Skipped);
        }
        self.spend(length)?;
        let mut text = vec![0; length as usize];
        self.inner.read_exact(&mut text).map_err(|cause| cause.to_string())?;
        Ok(String::from_utf8(text).map_or(Value::Skipped, Value::Text))
    }

    fn u32(&mut self) -> HeaderResult<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> HeaderResult<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> HeaderResult<[u8; N]> {
        self.spend(N as u64)?;
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|cause| cause.to_string())?;
        Ok(bytes)
    }

    fn skip(&mut self, count: u64) -> HeaderResult<()> {
        self.spend(count)?;
        self.inner.seek_relative(count as i64).map_err(|cause| cause.to_string())
    }

    fn spend(&mut self, count: u64) -> HeaderResult<()> {
        self.left = self.left.checked_sub(count).ok_or("it is cut short: it ends within its header")?;
        Ok(())
    }
}

/// True for the types of whole numbers and truth values.
fn is_integer(kind: u32) -> bool {
    matches!(kind, 0..=5 | 7 | 10 | 11)
}

/// The size of a value of a type with a fixed size.
fn size_bytes(kind: u32) -> HeaderResult<u64> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(format!("its header has a value of the unknown type {kind}")),
    }
}
