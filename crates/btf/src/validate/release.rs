//! Kernel releases, and what each knows of BTF.

use crate::header::{CLASSIC_HEADER, LAYOUT_HEADER};
use crate::{Kind, names};
use std::fmt;
use std::str::FromStr;

/// A release of the kernel: 6.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    pub major: u16,
    pub minor: u16,
}

impl Release {
    /// The first with BTF.
    pub const V4_18: Release = Release::new(4, 18);
    /// Functions; bitfields in members, told by the kind flag.
    pub const V5_0: Release = Release::new(5, 0);
    /// Variables and data sections.
    pub const V5_2: Release = Release::new(5, 2);
    /// Floating point.
    pub const V5_13: Release = Release::new(5, 13);
    /// Tags of declarations.
    pub const V5_16: Release = Release::new(5, 16);
    /// Tags of types.
    pub const V5_17: Release = Release::new(5, 17);
    /// Enumerations of 64 bits, and the kind flag of signed ones.
    pub const V6_0: Release = Release::new(6, 0);
    /// Names of 512 bytes, of 128 before.
    pub const V6_1: Release = Release::new(6, 1);
    /// Names of sections may have any printable character.
    pub const V6_12: Release = Release::new(6, 12);
    /// Tags may have a kind flag: they are plain attributes then.
    pub const V6_15: Release = Release::new(6, 15);
    /// Names are searched for as if they were sorted.
    pub const V7_0: Release = Release::new(7, 0);
    /// The header may have 32 bytes and name a layout section.
    pub const V7_1: Release = Release::new(7, 1);
    /// A record may have 2^24 elements; no bit of its second word is left without a meaning.
    pub const V7_2: Release = Release::new(7, 2);

    pub const fn new(major: u16, minor: u16) -> Release {
        Release { major, minor }
    }

    /// The last kind that it knows.
    pub(crate) fn last_kind(self) -> Kind {
        match self {
            v if v >= Release::V6_0 => Kind::Enum64,
            v if v >= Release::V5_17 => Kind::TypeTag,
            v if v >= Release::V5_16 => Kind::DeclTag,
            v if v >= Release::V5_13 => Kind::Float,
            v if v >= Release::V5_2 => Kind::Datasec,
            v if v >= Release::V5_0 => Kind::FuncProto,
            _ => Kind::Restrict,
        }
    }

    /// Bits of a record's second word that it gives no meaning.
    pub(crate) fn reserved_info(self) -> u32 {
        match self {
            v if v >= Release::V7_2 => 0,
            v if v >= Release::V5_13 => 0x60ff_0000,
            v if v >= Release::V5_0 => 0x70ff_0000,
            _ => 0xf0ff_0000,
        }
    }

    /// Whether kinds have seven bits and counts of elements 24.
    pub(crate) fn has_wide_info(self) -> bool {
        self >= Release::V7_2
    }

    pub(crate) fn known_header(self) -> usize {
        if self >= Release::V7_1 { LAYOUT_HEADER } else { CLASSIC_HEADER }
    }

    /// Bytes of a name that each of them takes.
    pub(crate) const SHORTEST_LIMIT: usize = 128;

    fn longest_name(self) -> usize {
        if self >= Release::V6_1 { names::MAX_NAME } else { Release::SHORTEST_LIMIT }
    }

    pub(crate) fn takes_identifier(self, name: &[u8]) -> bool {
        self.takes_identifier_of(name.len()) && names::is_identifier(name)
    }

    /// Whether an identifier may have so many bytes.
    pub(crate) fn takes_identifier_of(self, len: usize) -> bool {
        (1..=self.longest_name()).contains(&len)
    }

    pub(crate) fn takes_section_name(self, name: &[u8]) -> bool {
        let printable = self >= Release::V6_12 && names::is_section_name(name);
        printable || self.takes_identifier(name)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Not the name of a release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownRelease {
    #[error("'{text}' is no kernel release, such as 6.12 or 6.12.117-amd64")]
    Form { text: String },
    #[error("Linux {release} has no BTF: it came with {}", Release::V4_18)]
    TooOld { release: Release },
}

impl FromStr for Release {
    type Err = UnknownRelease;

    /// Takes what `uname -r` prints, too: what follows the second number is not looked at.
    fn from_str(text: &str) -> Result<Release, UnknownRelease> {
        let form = || UnknownRelease::Form { text: text.to_owned() };
        let (major, rest) = text.trim_start_matches('v').split_once('.').ok_or_else(form)?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let number = |digits: &str| digits.parse().map_err(|_| form());
        let release = Release::new(number(major)?, number(minor)?);
        if release < Release::V4_18 { Err(UnknownRelease::TooOld { release }) } else { Ok(release) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_uname_prints_them() {
        for text in ["6.12", "v6.12", "6.12.117+deb12-amd64", "6.12-rc1"] {
            assert_eq!(text.parse(), Ok(Release::V6_12), "{text}");
        }
        for text in ["", "6", "six.one", "6.", ".1", "-6.1"] {
            assert_eq!(text.parse::<Release>(), Err(UnknownRelease::Form { text: text.into() }), "{text}");
        }
        let old = Release::new(4, 17);
        assert_eq!("4.17".parse::<Release>(), Err(UnknownRelease::TooOld { release: old }));
    }

    #[test]
    fn each_release_knows_more_kinds() {
        let known = |release: Release| release.last_kind() as u8;
        let releases = [Release::V4_18, Release::V5_0, Release::V5_2, Release::V5_13, Release::V5_16, Release::V5_17];
        assert_eq!(releases.map(known), [11, 13, 15, 16, 17, 18]);
        assert_eq!((known(Release::V6_0), known(Release::V7_1)), (19, 19));
    }
}
