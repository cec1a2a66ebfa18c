//! The wire format of protocol buffers, as far as ONNX graphs use it.
//!
//! Source: *Encoding*, Protocol Buffers documentation: a message is a list of fields, each a key
//! (number and wire type) and a value.

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Field<'m> {
    /// Its number in the message's definition.
    pub number: u64,
    /// The value of a text, of bytes or of a message; empty for numbers.
    pub bytes: &'m [u8],
    /// The value of an integer; 0 for others.
    pub integer: u64,
    /// The key and the value as they stand in the message.
    pub whole: &'m [u8],
}

/// The fields of `message`, in order.
///
/// # Errors
/// When a field is cut off or has a type that no field of today's format has.
pub(super) fn fields(message: &[u8]) -> Result<Vec<Field<'_>>, String> {
    let mut all = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = rest;
        let key = integer(&mut rest)?;
        let (mut bytes, mut value) = (&rest[..0], 0);
        match key & 7 {
            0 => value = integer(&mut rest)?,
            1 => bytes = take(&mut rest, 8)?,
            2 => {
                let length = integer(&mut rest)?;
                bytes = take(&mut rest, usize::try_from(length).map_err(|_| cut_off())?)?;
            }
            5 => bytes = take(&mut rest, 4)?,
            other => return Err(format!("it has a field of the unknown wire type {other}")),
        }
        let whole = &start[..start.len() - rest.len()];
        all.push(Field { number: key >> 3, bytes, integer: value, whole });
    }
    Ok(all)
}

/// Appends a field with bytes to `message`: a text or a message.
pub(super) fn push_bytes(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    push_varint(message, number << 3 | 2);
    push_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Appends a field with an integer to `message`.
pub(super) fn push_integer(message: &mut Vec<u8>, number: u64, value: u64) {
    push_varint(message, number << 3);
    push_varint(message, value);
}

fn push_varint(message: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn integer(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for (at, byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *rest = &rest[at + 1..];
            return Ok(value);
        }
    }
    Err(cut_off())
}

fn take<'m>(rest: &mut &'m [u8], length: usize) -> Result<&'m [u8], String> {
    let (taken, others) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    *rest = others;
    Ok(taken)
}

fn cut_off() -> String {
    "it is cut off in a field".to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read_and_a_cut_message_never_panics(
            written in prop::collection::vec((1u64..1000, any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut message = Vec::new();
            for (number, value, bytes) in &written {
                push_integer(&mut message, *number, *value);
                push_bytes(&mut message, *number, bytes);
            }
            let read = fields(&message).unwrap();
            prop_assert_eq!(read.len(), 2 * written.len());
            for (pair, (number, value, bytes)) in read.chunks(2).zip(&written) {
                prop_assert_eq!((pair[0].number, pair[0].integer), (*number, *value));
                prop_assert_eq!((pair[1].number, pair[1].bytes), (*number, bytes.as_slice()));
            }
            prop_assert_eq!(read.iter().flat_map(|field| field.whole.to_vec()).collect::<Vec<_>>(), message.clone());
            let _ = fields(&message[..cut.index(message.len() + 1)]);
        }
    }
}
