//! Declarations of abbreviations that are known, found by their bytes.
//!
//! Units of a kernel repeat the same thousand declarations, each unit some hundred of them, in orders of which a third at
//! most can be guessed. So a declaration is looked up without being read: 32 bytes from its first one are cut behind the
//! first two zeros that follow its tag and the flag for children, where it most probably ends, with an attribute 0 of the
//! form 0. What remains says where it may be noted, beside all that a table wants of it.
//!
//! Only such are noted as do end there. Then what has the same bytes up to its first two zeros is the same declaration:
//! none is the beginning of another. Where the next one begins is known before this one is found, so that the processor
//! looks for both at once.

use crate::common::Common;
use crate::common_members::MemberForm;
use btfkit_btf::text::zeros_in;

/// Longer ones are not in here, nor are those that have two zeros before: together one in two hundred.
pub(crate) const SHORT: usize = 32;

/// Places in which one may be. Only who wants it finds that many taken by others.
const PROBES: usize = 8;

/// What a table wants of a declaration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub common: Common,
    pub member: MemberForm,
    pub plan: u32,
}

type Words = [u64; SHORT / 8];

#[derive(Debug, Default)]
pub(crate) struct Declarations {
    /// Positions in `all`, counted from 1, and 0 where there is none: a power of two, of which at most half are taken.
    /// The upper half of each is of the hash, and as many as the lower half can count are noted.
    places: Vec<u32>,
    /// With zeros behind the declaration.
    all: Vec<(Words, Known)>,
}

impl Declarations {
    /// What begins with the window, where that is noted, and how many bytes it has.
    #[inline(always)]
    pub fn find(&self, window: &[u8; SHORT]) -> Option<(&Known, usize)> {
        let end = probable_end(window)?;
        let words = cut(window, end);
        let hash = hash(&words);
        for probe in 0..PROBES {
            let place = *self.places.get(self.place(hash, probe))?;
            if place == 0 {
                return None;
            }
            if (place ^ hash as u32) >> 16 == 0
                && let Some((noted, known)) = self.all.get((place as u16 - 1) as usize)
                && *noted == words
            {
                return Some((known, end));
            }
        }
        None
    }

    /// Notes one that [`Self::find`] has not found, if it can be.
    pub fn insert(&mut self, declaration: &[u8], known: Known) {
        let mut window = [0; SHORT];
        let Some(room) = window.get_mut(..declaration.len()) else { return };
        room.copy_from_slice(declaration);
        if probable_end(&window) != Some(declaration.len()) || self.all.len() == u16::MAX as usize {
            return;
        }
        self.all.push((cut(&window, declaration.len()), known));
        if 2 * self.all.len() > self.places.len() {
            self.places = vec![0; (2 * self.places.len()).max(1 << 10)];
            (1..=self.all.len()).for_each(|number| self.note(number as u16));
        } else {
            self.note(self.all.len() as u16);
        }
    }

    fn note(&mut self, number: u16) {
        let hash = hash(&self.all[number as usize - 1].0);
        let mut places = (0..PROBES).map(|probe| self.place(hash, probe));
        if let Some(free) = places.find(|&place| self.places[place] == 0) {
            self.places[free] = hash as u32 & 0xffff_0000 | number as u32;
        }
    }

    #[inline(always)]
    fn place(&self, hash: u64, probe: usize) -> usize {
        ((hash >> 32) as usize).wrapping_add(probe) & self.places.len().wrapping_sub(1)
    }
}

/// Behind the first two zeros that follow two bytes.
#[inline(always)]
fn probable_end(window: &[u8; SHORT]) -> Option<usize> {
    let [low, high] = [0, 16].map(|at| window[at..].first_chunk().map_or(0, zeros_in));
    let zeros = low | high << 16;
    let pairs = zeros & zeros >> 1 & !0b11;
    (pairs != 0).then(|| pairs.trailing_zeros() as usize + 2)
}

/// As words, with zeros from `length` on.
#[inline(always)]
fn cut(window: &[u8; SHORT], length: usize) -> Words {
    let below = &BELOW[SHORT - length % (SHORT + 1)..];
    let word = |bytes: &[u8], at: usize| bytes[8 * at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    std::array::from_fn(|at| word(window, at) & word(&below[..SHORT], at))
}

/// All bits of as many bytes as are before the middle.
const BELOW: [u8; 2 * SHORT] = {
    let (mut below, mut at) = ([0; 2 * SHORT], 0);
    while at < SHORT {
        below[at] = 0xff;
        at += 1;
    }
    below
};

#[inline(always)]
fn hash(words: &Words) -> u64 {
    let mix = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    mix(words[0] ^ 0x9e37_79b9_7f4a_7c15, words[1] ^ 0xe703_7ed1_a0b4_28db)
        ^ mix(words[2] ^ 0x8ebc_6af0_9c88_c6e3, words[3] ^ 0x5899_65cc_7537_4cc3)
}
