//! From JSON. Whole numbers of 64 bits may be texts, special floats are; unknown members are skipped.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::json_problem::problem;
use super::{OtlpError, Request, Temporality};

/// Objects of one request. An honest one has one for each twenty bytes or more; an empty one takes three
/// bytes there and some hundred in memory.
const OBJECTS_MAX: usize = 1 << 21;

pub(super) fn request(body: &[u8]) -> Result<Request, OtlpError> {
    // Those in texts are counted too, of which there are few.
    let objects = memchr::memchr_iter(b'{', body).count();
    if objects > OBJECTS_MAX {
        return Err(OtlpError::TooMuch);
    }
    let read: Result<Request, _> = serde_json::from_slice(body);
    match read {
        // An array would pass for an object whose members come in their order.
        Ok(request) if !body.trim_ascii_start().starts_with(b"[") => Ok(request),
        Ok(_) => Err(OtlpError::Json(problem(body).unwrap_or_default())),
        Err(error) => {
            // It is JSON, but not this message, if nothing is found.
            let text = problem(body).unwrap_or_else(|| error.to_string());
            Err(OtlpError::Json(text))
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl Number<'_> {
    fn unsigned<E: Error>(&self) -> Result<u64, E> {
        match self {
            Self::Unsigned(number) => Ok(*number),
            Self::Text(text) => text.parse().map_err(|_| wrong(text)),
            Self::Signed(number) => Err(wrong(&number.to_string())),
            Self::Float(number) => Err(wrong(&number.to_string())),
        }
    }

    fn signed<E: Error>(&self) -> Result<i64, E> {
        match self {
            Self::Signed(number) => Ok(*number),
            Self::Unsigned(number) => {
                i64::try_from(*number).map_err(|_| wrong(&number.to_string()))
            }
            Self::Text(text) => text.parse().map_err(|_| wrong(text)),
            Self::Float(number) => Err(wrong(&number.to_string())),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a whole number written for a float"
    )]
    fn double<E: Error>(&self) -> Result<f64, E> {
        match self {
            Self::Unsigned(number) => Ok(*number as f64),
            Self::Signed(number) => Ok(*number as f64),
            Self::Float(number) => Ok(*number),
            Self::Text(text) => match &**text {
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                "NaN" => Ok(f64::NAN),
                text => text.parse().map_err(|_| wrong(text)),
            },
        }
    }
}

fn wrong<E: Error>(text: &str) -> E {
    E::custom(format_args!("{text:?} is not a number of this field"))
}

pub(super) fn unsigned<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Number::deserialize(from)?.unsigned()
}

pub(super) fn double<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Number::deserialize(from)?.double()
}

pub(super) fn some_signed<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<Number<'de>>::deserialize(from)?;
    number.map(|number| number.signed()).transpose()
}

pub(super) fn some_double<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let number = Option::<Number<'de>>::deserialize(from)?;
    number.map(|number| number.double()).transpose()
}

pub(super) fn unsigned_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let numbers = Vec::<Number<'de>>::deserialize(from)?;
    numbers.iter().map(Number::unsigned).collect()
}

pub(super) fn double_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Vec::<Number<'de>>::deserialize(from)?;
    numbers.iter().map(Number::double).collect()
}

/// By number or by name.
pub(super) fn temporality<'de, D: Deserializer<'de>>(from: D) -> Result<Temporality, D::Error> {
    Ok(match Number::deserialize(from)? {
        Number::Text(name) => match &*name {
            "AGGREGATION_TEMPORALITY_DELTA" => Temporality::Delta,
            "AGGREGATION_TEMPORALITY_CUMULATIVE" => Temporality::Cumulative,
            _ => Temporality::Unspecified,
        },
        number => Temporality::of_number(number.unsigned()?),
    })
}
