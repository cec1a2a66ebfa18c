//! Embeddings: dense vectors of unit length, and sparse vectors that weigh a vocabulary's terms.

use simsimd::SpatialSimilarity;

use crate::error::{Error, Result};

/// A unit vector. The type guarantees that every component is finite and the Euclidean length is 1
/// (within rounding).
#[derive(Debug, Clone, PartialEq)]
pub struct Vector(Vec<f32>);

impl Vector {
    /// Scales `components` to unit length.
    ///
    /// # Errors
    /// When a component is not finite, or all are zero (a vector must have a direction).
    pub fn normalised(mut components: Vec<f32>) -> Result<Self> {
        let length = components.iter().map(|&c| f64::from(c) * f64::from(c)).sum::<f64>().sqrt();
        if !length.is_finite() || length == 0.0 {
            return Err(Error::model(format!(
                "an embedding of {} components has length {length}, so it has no direction",
                components.len()
            )));
        }
        for component in &mut components {
            *component = (f64::from(*component) / length) as f32;
        }
        Ok(Vector(components))
    }

    /// The number of components.
    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The components.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Cosine similarity, −1 to 1; both vectors must have the same dimension.
    pub fn cosine(&self, other: &Vector) -> f32 {
        dot(&self.0, &other.0)
    }
}

/// Weights of some terms of a vocabulary. The type guarantees that the terms ascend without
/// repetition, and that every weight is finite and positive. It may be empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseVector(Vec<(u32, f32)>);

impl SparseVector {
    /// Makes a vector of pairs of a term's number and its weight.
    ///
    /// # Errors
    /// When the terms do not ascend, or a weight is not finite and positive.
    pub fn new(weights: Vec<(u32, f32)>) -> Result<Self> {
        if let Some(pair) = weights.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(Error::model(format!(
                "term {} comes after term {} in a sparse vector; terms must ascend",
                pair[1].0, pair[0].0
            )));
        }
        if let Some((term, weight)) = weights.iter().find(|(_, weight)| !weight.is_finite() || *weight <= 0.0) {
            return Err(Error::model(format!(
                "term {term} of a sparse vector has weight {weight}; weights must be finite and positive"
            )));
        }
        Ok(SparseVector(weights))
    }

    /// The terms with their weights.
    pub fn as_slice(&self) -> &[(u32, f32)] {
        &self.0
    }

    /// The dot product: the sum, over the terms that both have, of the products of their weights.
    pub fn dot(&self, other: &SparseVector) -> f32 {
        let weight = |term| other.0.binary_search_by_key(&term, |pair| pair.0).map_or(0.0, |at| other.0[at].1);
        self.0.iter().map(|&(term, mine)| mine * weight(term)).sum()
    }
}

/// The dot product of two slices of the same length.
///
/// # Panics
/// When the lengths differ: a caller has mixed vectors of different embedders.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    f32::dot(a, b).expect("vectors of one embedder have one dimension") as f32
}

/// The signs of the components of `vector`, one bit each, eight to a byte, the first in the lowest
/// bit; 1 where the component is not negative.
pub fn signs(vector: &Vector) -> Vec<u8> {
    let byte = |components: &[f32]| {
        components.iter().enumerate().fold(0, |byte, (bit, component)| byte | (u8::from(*component >= 0.0) << bit))
    };
    vector.0.chunks(8).map(byte).collect()
}

/// Compares one whole vector with vectors of which only the signs are stored. Source: Dong,
/// Charikar & Li, *Asymmetric Distance Estimation with Sketches for Similarity Search in
/// High-Dimensional Spaces*, SIGIR 2008.
pub struct SignTable {
    /// For each byte of signs, the contribution of each of its 256 values.
    sums: Vec<[f32; 256]>,
}

impl SignTable {
    /// Computes the table of `vector`.
    pub fn new(vector: &Vector) -> Self {
        let scale = 1.0 / (vector.dimension() as f32).sqrt();
        let table = |components: &[f32]| {
            let mut sums = [0.0; 256];
            for (value, sum) in sums.iter_mut().enumerate() {
                for (bit, component) in components.iter().enumerate() {
                    *sum += if value >> bit & 1 == 1 { component * scale } else { -component * scale };
                }
            }
            sums
        };
        SignTable { sums: vector.0.chunks(8).map(table).collect() }
    }

    /// The cosine of the vector and the unit vector that has these `signs` and components of equal
    /// size.
    pub fn cosine(&self, signs: &[u8]) -> f32 {
        self.sums.iter().zip(signs).map(|(sums, byte)| sums[usize::from(*byte)]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn normalised_vectors_have_length_one(components in prop::collection::vec(-1e6f32..1e6, 1..64)) {
            prop_assume!(components.iter().any(|c| c.abs() > 1e-3));
            let vector = Vector::normalised(components).unwrap();
            prop_assert!((vector.cosine(&vector) - 1.0).abs() < 1e-4);
        }
    }

    proptest! {
        #[test]
        fn signs_are_vectors_of_plus_and_minus_one(
            query in prop::collection::vec(-1.0f32..1.0, 20), other in prop::collection::vec(-1.0f32..1.0, 20)
        ) {
            prop_assume!(query.iter().any(|c| c.abs() > 1e-3) && other.iter().any(|c| c.abs() > 1e-3));
            let (query, other) = (Vector::normalised(query).unwrap(), Vector::normalised(other).unwrap());
            let whole: Vec<f32> = other.0.iter().map(|c| if *c >= 0.0 { 1.0 } else { -1.0 }).collect();
            let expected = query.cosine(&Vector::normalised(whole).unwrap());
            prop_assert_eq!(signs(&other).len(), 3);
            prop_assert!((SignTable::new(&query).cosine(&signs(&other)) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn a_sparse_vector_has_ascending_terms_and_positive_weights() {
        assert!(SparseVector::new(vec![]).is_ok());
        let vector = SparseVector::new(vec![(1, 0.5), (7, 2.0)]).unwrap();
        assert_eq!(vector.dot(&SparseVector::new(vec![(0, 9.0), (7, 3.0)]).unwrap()), 6.0);
        for wrong in [vec![(2, 1.0), (1, 1.0)], vec![(1, 1.0), (1, 1.0)], vec![(1, 0.0)], vec![(1, f32::NAN)]] {
            assert!(SparseVector::new(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_vector_without_a_direction_is_refused() {
        assert!(Vector::normalised(vec![f32::NAN, 1.0]).is_err());
        assert!(Vector::normalised(vec![f32::INFINITY]).is_err());
        assert!(Vector::normalised(vec![0.0, 0.0]).is_err());
        assert!(Vector::normalised(vec![]).is_err());
    }
}
