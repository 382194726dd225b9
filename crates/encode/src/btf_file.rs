//! The BTF that is in files.

use crate::EncodeError;
use btfkit_btf::Btf;
use btfkit_elf::{ElfError, Image, InputFile, constants};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the kernel shows its own BTF.
pub(crate) const LIVE: &str = "/sys/kernel/btf";

/// What a file has: sections of an ELF file, or a raw BTF with what lies beside it under the same name and `.base` or
/// `.base_checksum`.
pub(crate) struct BtfFile {
    pub btf: Vec<u8>,
    pub distilled: Option<Vec<u8>>,
    pub checksum: Option<Vec<u8>>,
    /// Bytes of a pointer on its machine, where it is ELF.
    pub pointer_size: Option<u8>,
    /// Whether it is a BPF object.
    pub is_bpf: bool,
}

impl BtfFile {
    pub fn read(path: &Path) -> Result<BtfFile, EncodeError> {
        // What the kernel shows has no size that could be mapped.
        if path.starts_with(LIVE) {
            let btf = std::fs::read(path).map_err(|error| EncodeError::new("IO", path, error))?;
            return Ok(BtfFile { btf, distilled: None, checksum: None, pointer_size: None, is_bpf: false });
        }
        let elf = |error| EncodeError::of_elf(path, error);
        let file = InputFile::open(path).map_err(elf)?;
        let read = BtfFile::of(path, file.bytes());
        file.verify(path).map_err(elf)?;
        read
    }

    fn of(path: &Path, bytes: &[u8]) -> Result<BtfFile, EncodeError> {
        if bytes.starts_with(&[0x9f, 0xeb]) || bytes.starts_with(&[0xeb, 0x9f]) {
            let beside = |suffix: &str| optional(&with_suffix(path, suffix));
            let (distilled, checksum) = (beside(".base")?, beside(".base_checksum")?);
            return Ok(BtfFile { btf: bytes.to_vec(), distilled, checksum, pointer_size: None, is_bpf: false });
        }
        let elf = |error| EncodeError::of_elf(path, error);
        let image = Image::parse(bytes).map_err(elf)?;
        // In files that hold nothing but debug information the sections are there without content.
        let section = |name: &str| -> Result<Option<Vec<u8>>, EncodeError> {
            let Some(section) = image.section_by_name(name.as_bytes()) else { return Ok(None) };
            let data = image.data(section).map_err(elf)?;
            Ok((!data.is_empty()).then(|| data.into_owned()))
        };
        let btf = section(".BTF")?.ok_or_else(|| {
            let what = "has no .BTF section; encode it first (btfkit encode), and name what comes out";
            EncodeError::new("NO_BTF", path, what)
        })?;
        let (distilled, checksum) = (section(".BTF.base")?, section(".BTF.base_checksum")?);
        let is_bpf = image.machine() == constants::EM_BPF.0;
        let pointer_size = Some(if image.is_64() { 8 } else { 4 });
        Ok(BtfFile { btf, distilled, checksum, pointer_size, is_bpf })
    }
}

/// The path with more at its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file that may be missing; like any other input, it is not waited for.
fn optional(path: &Path) -> Result<Option<Vec<u8>>, EncodeError> {
    let elf = |error| EncodeError::of_elf(path, error);
    let file = match InputFile::open_unpacked(path) {
        Err(ElfError::NotFound { .. }) => return Ok(None),
        // Whoever reads it says what is missing.
        Err(ElfError::Empty { .. }) => return Ok(Some(Vec::new())),
        file => file.map_err(elf)?,
    };
    let bytes = file.bytes().to_vec();
    file.verify(path).map_err(elf)?;
    Ok(Some(bytes))
}

/// The BTF of a file that stands for itself, or on its own distilled base.
pub(crate) fn whole(path: &Path) -> Result<Arc<Btf>, EncodeError> {
    let file = BtfFile::read(path)?;
    let base = file.distilled.map(|bytes| parse(path, bytes, None)).transpose()?;
    parse(path, file.btf, base)
}

pub(crate) fn parse(path: &Path, bytes: Vec<u8>, base: Option<Arc<Btf>>) -> Result<Arc<Btf>, EncodeError> {
    let is_split = base.is_some();
    let btf = match base {
        Some(base) => Btf::parse_split(bytes, base),
        None => Btf::parse(bytes),
    };
    btf.map(Arc::new).map_err(|error| {
        let hint = if is_split { "is this the base that it was made on?" } else { "if it is split BTF, name its base" };
        EncodeError::new("MALFORMED_BTF", path, format!("its BTF cannot be read: {error} ({hint})"))
    })
}
