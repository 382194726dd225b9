//! The checksum of a base, as a module keeps it in `.BTF.base_checksum`.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | `BTFC` |
//! | 4 | 1 | version of this layout: 1 |
//! | 5 | 1 | algorithm: 1 is SHA-256 |
//! | 6 | 2 | 0 |
//! | 8 | 32 | digest of the base's bytes: of `.BTF` in the vmlinux, which is `/sys/kernel/btf/vmlinux` when it runs |
//!
//! There is no number of more than one byte in it, so that it is the same in either byte order.

use sha2::{Digest, Sha256};
use std::fmt::{self, Display, Formatter};
use thiserror::Error;

/// Identifies the bytes of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BaseChecksum([u8; 32]);

/// What is wrong with a `.BTF.base_checksum` section.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChecksumError {
    #[error("the section of the base's checksum has {size} bytes, not {SIZE}")]
    Size { size: usize },
    #[error("the section of the base's checksum starts with {found:02x?}, not with BTFC")]
    Magic { found: [u8; 4] },
    #[error("the base's checksum is of version {version} and algorithm {algorithm}; known is 1 of each")]
    Unknown { version: u8, algorithm: u8 },
}

const MAGIC: [u8; 4] = *b"BTFC";
const HEADER: [u8; 8] = [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], VERSION, SHA_256, 0, 0];
const VERSION: u8 = 1;
const SHA_256: u8 = 1;
const SIZE: usize = HEADER.len() + 32;

impl BaseChecksum {
    /// Of a base's bytes.
    pub fn of(base: &[u8]) -> BaseChecksum {
        BaseChecksum(Sha256::digest(base).into())
    }

    /// The content of the section.
    pub fn section(&self) -> Vec<u8> {
        [&HEADER[..], &self.0].concat()
    }

    pub fn parse(section: &[u8]) -> Result<BaseChecksum, ChecksumError> {
        if let Some(&found) = section.first_chunk().filter(|found| **found != MAGIC) {
            return Err(ChecksumError::Magic { found });
        }
        if let [_, _, _, _, version, algorithm, ..] = *section
            && (version, algorithm) != (VERSION, SHA_256)
        {
            return Err(ChecksumError::Unknown { version, algorithm });
        }
        let digest = section.get(HEADER.len()..).and_then(|rest| <[u8; 32]>::try_from(rest).ok());
        digest.map(BaseChecksum).ok_or(ChecksumError::Size { size: section.len() })
    }
}

/// As `sha256sum` writes it.
impl Display for BaseChecksum {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_as_it_was_written() {
        let checksum = BaseChecksum::of(b"abc");
        assert_eq!(checksum.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let section = checksum.section();
        assert_eq!(section[..12], *b"BTFC\x01\x01\0\0\xba\x78\x16\xbf");
        assert_eq!(BaseChecksum::parse(&section), Ok(checksum));
        let changed = |at: usize, to: u8| {
            let mut section = section.clone();
            section[at] = to;
            BaseChecksum::parse(&section)
        };
        assert_eq!(changed(0, b'X'), Err(ChecksumError::Magic { found: *b"XTFC" }));
        assert_eq!(changed(5, 9), Err(ChecksumError::Unknown { version: 1, algorithm: 9 }));
        assert_ne!(changed(39, 0), Ok(checksum));
        for size in 0..SIZE {
            assert_eq!(BaseChecksum::parse(&section[..size]), Err(ChecksumError::Size { size }));
        }
    }
}
