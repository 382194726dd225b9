//! The BTF that split BTF stands on: read, and its types made ready to be found.

use crate::btf_file::{BtfFile, LIVE, parse};
use crate::policy::{self, Facts, Plan, Wishes};
use crate::{EncodeError, Features};
use btfkit_btf::dedup::BaseTypes;
use btfkit_btf::{Btf, Endian};
use std::path::Path;
use std::sync::Arc;

/// A base, made once and shared by as many files and threads as encode on top of it.
#[derive(Clone)]
pub struct Base {
    types: Arc<BaseTypes>,
    path: Arc<Path>,
}

impl Base {
    /// Reads a base from a file: an ELF file with a `.BTF` section, or a raw BTF. Of several files each stands on the
    /// one before. An ELF file's `.BTF.base` is what its `.BTF` stands on; a module's BTF in `/sys/kernel/btf` stands on
    /// `vmlinux` there.
    pub fn open(paths: &[&Path]) -> Result<Base, EncodeError> {
        let mut base: Option<Arc<Btf>> = None;
        for (index, path) in paths.iter().enumerate() {
            // A module's BTF is shown beside the kernel's.
            let is_module = path.parent() == Some(Path::new(LIVE)) && !path.ends_with("vmlinux");
            if index == 0 && is_module {
                base = Some(read(&Path::new(LIVE).join("vmlinux"), None)?);
            }
            base = Some(read(path, base)?);
        }
        let (Some(btf), Some(path)) = (base, paths.last()) else {
            return Err(EncodeError { code: "INVALID_OPTION", message: "no base is named".to_owned() });
        };
        Base::of(btf, path)
    }

    /// As [`open`](Base::open) for a file that is encoded with these wishes: where the base is missing they say what that
    /// means. None where no path is named.
    pub fn open_for(input: &Path, paths: &[&Path], wishes: &Wishes) -> Result<Option<Base>, EncodeError> {
        if paths.is_empty() {
            return Ok(None);
        }
        Base::open(paths).map(Some).map_err(|error| {
            let plan = policy::decide(&Facts::WITHOUT_BASE, wishes, &Features::NONE);
            match plan {
                Ok(Plan::Nothing(_)) if error.code == "NOT_FOUND" => {
                    EncodeError::new("SKIPPED", input, format!("gets no BTF: {}", error.message))
                }
                _ => error,
            }
        })
    }

    /// A base that is there already; `path` is how messages name it.
    pub fn of(btf: Arc<Btf>, path: &Path) -> Result<Base, EncodeError> {
        let types = BaseTypes::of(btf)
            .map_err(|error| EncodeError::new("MALFORMED_BTF", path, format!("cannot be a base: {error}")))?;
        Ok(Base { types: Arc::new(types), path: path.into() })
    }

    pub fn btf(&self) -> &Arc<Btf> {
        self.types.btf()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn types(&self) -> &Arc<BaseTypes> {
        &self.types
    }

    /// Whether a file of this byte order and pointer size can stand on it.
    pub(crate) fn check(&self, path: &Path, endian: Endian, pointer_size: u8) -> Result<(), EncodeError> {
        let differs = |what: &str, own: &str, bases: &str| {
            let hint = "name the base that was built with it";
            let what = format!("its {what} is {own}, that of the base {} is {bases}; {hint}", self.path.display());
            Err(EncodeError::new("BASE_MISMATCH", path, what))
        };
        let order = |endian: Endian| if endian == Endian::Big { "big-endian" } else { "little-endian" };
        if self.btf().endian() != endian {
            return differs("byte order", order(endian), order(self.btf().endian()));
        }
        match self.types.pointer_size() {
            Some(size) if size != pointer_size => {
                differs("pointer size", &format!("{pointer_size} bytes"), &format!("{size} bytes"))
            }
            _ => Ok(()),
        }
    }
}

fn read(path: &Path, base: Option<Arc<Btf>>) -> Result<Arc<Btf>, EncodeError> {
    let file = BtfFile::read(path)?;
    let base = match file.distilled {
        Some(distilled) => Some(parse(path, distilled, None)?),
        None => base,
    };
    parse(path, file.btf, base)
}
