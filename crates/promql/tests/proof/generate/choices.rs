//! Where random choices come from: a seed, or bytes. With bytes the first alternative is taken when they
//! have run out, so generators put the simplest first.

/// SplitMix64 (public domain, by Sebastiano Vigna), or a fuzzer's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Choices {
    Seed(u64),
    Bytes { bytes: Vec<u8>, used: usize },
}

impl Choices {
    /// The same seed and number give the same choices.
    pub(crate) fn seeded(seed: u64, number: u64) -> Self {
        let mut choices = Self::Seed(seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
        choices.next();
        choices
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self::Bytes {
            bytes: bytes.to_vec(),
            used: 0,
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        match self {
            Self::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^ (z >> 31)
            }
            Self::Bytes { bytes, used } => {
                let byte = bytes.get(*used).copied().unwrap_or(0);
                *used += 1;
                u64::from(byte)
            }
        }
    }

    /// From 0 to `count - 1`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let mut number = self.next();
        if count > 256 && matches!(self, Self::Bytes { .. }) {
            number = number << 8 | self.next();
        }
        (number % count as u64) as usize
    }

    /// True in so many of a hundred cases; never when bytes have run out.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) + percent >= 100
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Mostly 0, else some fraction of a second.
    pub(crate) fn odd_millis(&mut self) -> i64 {
        if self.chance(40) {
            self.below(1000) as i64
        } else {
            0
        }
    }
}
