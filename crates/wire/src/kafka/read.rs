//! Reading answers: big-endian numbers, texts and lists with their lengths.

use super::KafkaError;

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// An answer to the request with this number.
    pub(super) fn answer(bytes: &'a [u8], wanted: i32) -> Result<Self, KafkaError> {
        let mut reader = Self(bytes);
        match reader.i32()? {
            got if got == wanted => Ok(reader),
            got => Err(KafkaError::Correlation { wanted, got }),
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], KafkaError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(KafkaError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn i16(&mut self) -> Result<i16, KafkaError> {
        let bytes = self.take(2)?;
        Ok(i16::from_be_bytes(
            bytes.try_into().map_err(|_| KafkaError::Truncated)?,
        ))
    }

    pub(super) fn i32(&mut self) -> Result<i32, KafkaError> {
        let bytes = self.take(4)?;
        Ok(i32::from_be_bytes(
            bytes.try_into().map_err(|_| KafkaError::Truncated)?,
        ))
    }

    pub(super) fn i64(&mut self) -> Result<i64, KafkaError> {
        let bytes = self.take(8)?;
        Ok(i64::from_be_bytes(
            bytes.try_into().map_err(|_| KafkaError::Truncated)?,
        ))
    }

    /// How many items a list has; none for null.
    pub(super) fn count(&mut self, max: usize) -> Result<usize, KafkaError> {
        match self.i32()? {
            -1 => Ok(0),
            count => usize::try_from(count)
                .ok()
                .filter(|count| *count <= max)
                .ok_or(KafkaError::TooMany(i64::from(count))),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, KafkaError> {
        Ok(self.text_or_null()?.unwrap_or_default())
    }

    pub(super) fn text_or_null(&mut self) -> Result<Option<String>, KafkaError> {
        let length = self.i16()?;
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| KafkaError::TooMany(i64::from(length)))?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| KafkaError::Utf8)?;
        Ok(Some(text.to_owned()))
    }
}
