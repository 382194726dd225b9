//! The DWARF sections of a file, and how to read numbers from them.

use btfkit_btf::text::short_length;

/// Why a number cannot be read: the section ends first, or the number does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    End,
    /// A LEB128 number longer than 64 bits.
    LongNumber,
}

/// Relocations of one section, for files that still need them (ET_REL). Asked in mostly ascending order.
pub trait Relocate {
    /// The value at `offset`, of `size` bytes, where the section holds `raw`: `raw` itself where nothing applies.
    fn value(&mut self, offset: u64, size: u8, raw: u64) -> Result<u64, String>;
    /// Fills in the relocations from `from` on, in ascending order, at most one for each offset, and says how many: fewer
    /// than there is room for where no more follow.
    fn ahead(&mut self, from: u64, into: &mut [Placed]) -> usize;
    /// What a relocation of that information in [`RelocationSource::entries`] does, where it is alone at its place. None
    /// where it takes more to tell it: then [`Relocate::value`] does.
    fn plain(&mut self, information: u64) -> Option<Plain>;
}

/// A relocation that puts a value, to which its addend is added, in the place of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    pub value: u64,
    /// In bytes.
    pub size: u8,
}

/// A relocation, decoded before it is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placed {
    pub offset: u64,
    /// The value, or what is added to it.
    pub value: u64,
    /// Bytes of the value; 0 where it takes more to tell it: then [`Relocate::value`] does.
    pub size: u8,
    /// What the section holds is added.
    pub in_place: bool,
}

/// A section's relocations, from which each thread makes a cursor of its own.
pub trait RelocationSource: Sync {
    fn cursor(&self) -> Box<dyn Relocate + '_>;
    /// All of them as they stand in the file, where that has them in this form and in ascending order; else none.
    fn entries(&self) -> &[RawRelocation];
}

/// A relocation as it stands in 64-bit little-endian files with addends (`Elf64_Rela`): offset, information (symbol and
/// kind) and addend.
pub type RawRelocation = [u8; 24];

/// One section: empty where the file has none.
#[derive(Clone, Copy, Default)]
pub struct Section<'a> {
    pub data: &'a [u8],
    /// None where values are in place already.
    pub relocations: Option<&'a dyn RelocationSource>,
}

#[derive(Clone, Copy, Default)]
pub struct Sections<'a> {
    pub big_endian: bool,
    pub info: Section<'a>,
    pub types: Section<'a>,
    pub abbrev: Section<'a>,
    pub str: Section<'a>,
    pub line_str: Section<'a>,
    pub str_offsets: Section<'a>,
    pub addr: Section<'a>,
    pub loc: Section<'a>,
    pub loclists: Section<'a>,
}

/// Bytes of a section with a byte order.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a> {
    pub data: &'a [u8],
    pub big: bool,
}

impl<'a> Bytes<'a> {
    pub fn new(data: &'a [u8], big: bool) -> Bytes<'a> {
        Bytes { data, big }
    }

    #[inline]
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], ReadFault> {
        self.data.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(ReadFault::End)
    }

    #[inline]
    pub fn u8(&self, at: usize) -> Result<u8, ReadFault> {
        self.data.get(at).copied().ok_or(ReadFault::End)
    }

    #[inline]
    pub fn u16(&self, at: usize) -> Result<u16, ReadFault> {
        let bytes = self.array(at)?;
        Ok(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    #[inline]
    pub fn u32(&self, at: usize) -> Result<u32, ReadFault> {
        let bytes = self.array(at)?;
        Ok(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    #[inline]
    pub fn u64(&self, at: usize) -> Result<u64, ReadFault> {
        let bytes = self.array(at)?;
        Ok(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// An unsigned number of 1, 2, 3, 4 or 8 bytes.
    #[inline]
    pub fn sized(&self, at: usize, size: u8) -> Result<u64, ReadFault> {
        Ok(match size {
            1 => self.u8(at)? as u64,
            2 => self.u16(at)? as u64,
            3 => {
                let [a, b, c] = self.array(at)?;
                if self.big { u32::from_be_bytes([0, a, b, c]) as u64 } else { u32::from_le_bytes([a, b, c, 0]) as u64 }
            }
            4 => self.u32(at)? as u64,
            _ => self.u64(at)?,
        })
    }

    #[inline(always)]
    pub fn uleb(&self, at: &mut usize) -> Result<u64, ReadFault> {
        let byte = self.u8(*at)?;
        *at += 1;
        if byte < 0x80 {
            return Ok(byte as u64);
        }
        // Codes of abbreviations have two bytes at most.
        let second = self.u8(*at)?;
        if second < 0x80 {
            *at += 1;
            return Ok((byte & 0x7f) as u64 | (second as u64) << 7);
        }
        self.long_uleb(byte, at)
    }

    #[inline(never)]
    fn long_uleb(&self, first: u8, at: &mut usize) -> Result<u64, ReadFault> {
        let (mut value, mut shift) = ((first & 0x7f) as u64, 7);
        loop {
            let byte = self.u8(*at)?;
            *at += 1;
            let low = (byte & 0x7f) as u64;
            if shift > 63 || (shift == 63 && low > 1) {
                return Err(ReadFault::LongNumber);
            }
            value |= low << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    pub fn sleb(&self, at: &mut usize) -> Result<i64, ReadFault> {
        let (mut value, mut shift) = (0i64, 0);
        loop {
            let byte = self.u8(*at)?;
            *at += 1;
            if shift > 63 {
                return Err(ReadFault::LongNumber);
            }
            value |= ((byte & 0x7f) as i64) << shift;
            shift += 7;
            if byte < 0x80 {
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1 << shift;
                }
                return Ok(value);
            }
        }
    }

    #[inline]
    pub fn skip_leb(&self, at: &mut usize) -> Result<(), ReadFault> {
        loop {
            let byte = self.u8(*at)?;
            *at += 1;
            if byte < 0x80 {
                return Ok(());
            }
        }
    }

    /// `at` ends behind the next NUL. Most strings in entries are short.
    #[inline]
    pub fn skip_string(&self, at: &mut usize) -> Result<(), ReadFault> {
        if let Some(word) = self.data.get(*at..).and_then(|rest| rest.first_chunk::<8>()) {
            let len = short_length(u64::from_le_bytes(*word));
            if len < 8 {
                *at += len + 1;
                return Ok(());
            }
        }
        self.string(at).map(drop)
    }

    /// The bytes up to the next NUL; `at` ends behind it.
    #[inline]
    pub fn string(&self, at: &mut usize) -> Result<&'a [u8], ReadFault> {
        let rest = self.data.get(*at..).ok_or(ReadFault::End)?;
        let len = memchr::memchr(0, rest).ok_or(ReadFault::End)?;
        *at += len + 1;
        Ok(&rest[..len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_strings() {
        for (text, len) in [(&b"\0.......x"[..], 0), (b"ab\0cdefgh", 2), (b"abcdefg\0", 7), (b"abcdefgh\0", 8)] {
            assert_eq!(short_length(u64::from_le_bytes(*text.first_chunk().unwrap())), len);
            let mut at = 0;
            assert_eq!(Bytes::new(text, false).skip_string(&mut at), Ok(()));
            assert_eq!(at, len + 1);
        }
        assert_eq!(Bytes::new(b"abcdefghi", false).skip_string(&mut 0), Err(ReadFault::End));
    }

    #[test]
    fn leb128() {
        let read = |bytes: &[u8]| Bytes::new(bytes, false).uleb(&mut 0);
        assert_eq!(read(&[0x7f]), Ok(127));
        assert_eq!(read(&[0xe5, 0x8e, 0x26]), Ok(624485));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Ok(u64::MAX));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), Err(ReadFault::LongNumber));
        assert_eq!(read(&[0x80, 0x80]), Err(ReadFault::End));
        let signed = |bytes: &[u8]| Bytes::new(bytes, false).sleb(&mut 0);
        assert_eq!(signed(&[0x7f]), Ok(-1));
        assert_eq!(signed(&[0x80, 0x7f]), Ok(-128));
        assert_eq!(signed(&[0xff, 0x00]), Ok(127));
        assert_eq!(signed(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]), Ok(i64::MIN));
    }

    #[test]
    fn numbers_and_strings_end_with_the_section() {
        let bytes = Bytes::new(&[1, 2, 3, 0, b'x'], true);
        assert_eq!(bytes.sized(0, 3), Ok(0x010203));
        assert_eq!(Bytes::new(bytes.data, false).sized(0, 3), Ok(0x030201));
        assert_eq!(bytes.u16(4), Err(ReadFault::End));
        assert_eq!(bytes.u32(usize::MAX), Err(ReadFault::End));
        assert_eq!(bytes.string(&mut 0), Ok(&[1u8, 2, 3][..]));
        assert_eq!(bytes.string(&mut 4), Err(ReadFault::End));
    }
}
