//! An embedding: finite, of unit length, of one dimension.

use simsimd::SpatialSimilarity;

use crate::error::{Error, Result};

/// A unit vector. Holding one means: every component is finite and the Euclidean length is 1 (within rounding).
#[derive(Debug, Clone, PartialEq)]
pub struct Vector(Vec<f32>);

impl Vector {
    /// Scales `components` to unit length.
    ///
    /// # Errors
    /// Fails when a component is not finite, or when all are zero (a direction is what a vector is for).
    pub fn normalised(mut components: Vec<f32>) -> Result<Self> {
        let length = components.iter().map(|&c| f64::from(c) * f64::from(c)).sum::<f64>().sqrt();
        if !length.is_finite() || length == 0.0 {
            return Err(Error::model(format!(
                "an embedding of {} components has length {length}, so it points nowhere",
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

/// The dot product of two slices of the same length.
///
/// # Panics
/// When the lengths differ: vectors of different embedders were mixed, which no caller may do.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    f32::dot(a, b).expect("vectors of one embedder have one dimension") as f32
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

    #[test]
    fn a_vector_holds_neither_nan_nor_nothing() {
        assert!(Vector::normalised(vec![f32::NAN, 1.0]).is_err());
        assert!(Vector::normalised(vec![f32::INFINITY]).is_err());
        assert!(Vector::normalised(vec![0.0, 0.0]).is_err());
        assert!(Vector::normalised(vec![]).is_err());
    }
}
