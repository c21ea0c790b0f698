//! The names of blocks: ULIDs, 128 bits of which the first 48 are the time of making.

use std::fmt;
use std::sync::Arc;

use model::Clock;
use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Written as 26 characters of Crockford's base 32; the order of the text is the order of the times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ulid(pub u128);

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;

impl Ulid {
    /// Capital letters only, as the peer writes them; nothing else is the name of a block.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
        // 26 digits hold 130 bits.
        if bytes[0] > b'7' {
            return None;
        }
        let mut number = 0u128;
        for byte in bytes {
            let digit = DIGITS.iter().position(|digit| digit == byte)?;
            number = number << 5 | digit as u128;
        }
        Some(Self(number))
    }

    /// Milliseconds since 1970 at which it was made.
    pub fn time_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..LENGTH).rev() {
            let index = (self.0 >> (5 * digit)) as usize & 31;
            write!(f, "{}", char::from(DIGITS[index]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ulid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is not a ULID")))
    }
}

/// Makes names: the time from the clock, the rest from a generator that was seeded at random.
#[derive(Clone)]
pub struct UlidSource {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<u64>>,
}

impl UlidSource {
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self {
            clock,
            state: Arc::new(Mutex::new(seed)),
        }
    }

    pub fn make(&self) -> Ulid {
        // SplitMix64; no secret hangs on it, names of one folder must only differ.
        let mut state = self.state.lock();
        let mut draw = || {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u128::from(mixed ^ (mixed >> 31))
        };
        let random = (draw() << 64 | draw()) & ((1 << 80) - 1);
        let time = self.clock.now().millis().max(0) as u128 & ((1 << 48) - 1);
        Ulid(time << 80 | random)
    }

    pub(crate) fn now(&self) -> model::Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for UlidSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UlidSource")
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use model::clock::ManualClock;

    use super::*;

    #[test]
    fn text_and_number_agree() {
        let text = "01M7Y4PJQ4AHXA8XTXNWG3Z1ZZ";
        let ulid = Ulid::parse(text).unwrap();
        assert_eq!(ulid.to_string(), text);
        for bad in [
            "",
            "01M7Y4PJQ4AHXA8XTXNWG3Z1Z",
            "81M7Y4PJQ4AHXA8XTXNWG3Z1ZZ",
            "01m7y4pjq4ahxa8xtxnwg3z1zz",
            "01M7Y4PJQ4AHXA8XTXNWG3Z1ZU",
        ] {
            assert_eq!(Ulid::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_differ_and_know_their_time() {
        let clock = Arc::new(ManualClock::new(Timestamp(1_704_067_200_123)));
        let source = UlidSource::new(clock, 7);
        let (a, b) = (source.make(), source.make());
        assert_ne!(a, b);
        assert_eq!(a.time_ms(), 1_704_067_200_123);
    }
}
