//! BTF that goes into the file that it was made from.

use crate::{Base, Beside, EncodeError, Encoded, Options, Report, encode_file, go_on};
use btfkit_elf::{Change, ElfError, Image, InputFile, ReplaceError, Rewrite, RewriteError, rewrite_in_place};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Type information; beside it is what a module's is relocated from when it is loaded into another kernel.
const BTF: &str = ".BTF";

/// Of BPF objects: lines and functions, by type ids and strings of the `.BTF` beside it.
const BTF_EXT: &[u8] = b".BTF.ext";

/// As objcopy gives it to a section that it adds, which is what kernel builds do.
const ALIGNMENT: u64 = 1;

/// What else can be done, at the end of each refusal: the command line goes on with its flag for that.
pub(crate) const ELSEWHERE: &str = "write the BTF to a file of its own";

/// Encodes one file and puts the BTF into it; `base` and `abort` are as for [`encode_file`].
pub fn encode_in_place(
    path: &Path,
    options: &Options,
    base: Option<&Base>,
    abort: &AtomicBool,
) -> Result<Report, EncodeError> {
    let target = InPlace::open(path)?;
    let Encoded { btf, beside, report } = encode_file(path, options, base, abort)?;
    // The last moment at which nothing has happened yet.
    go_on(path, abort)?;
    target.write(&btf, &beside)?;
    Ok(report)
}

/// A file that will have its BTF in itself.
///
/// To be opened before the file is encoded, and written to afterwards: what speaks against it is known at once, and where
/// somebody changes the file between the two, nothing is written.
pub struct InPlace {
    path: PathBuf,
    file: InputFile,
}

impl InPlace {
    pub fn open(path: &Path) -> Result<InPlace, EncodeError> {
        let file = InputFile::open_unpacked(path).map_err(|error| match error {
            ElfError::Packed { .. } => refusal(error, "unpack it"),
            other => EncodeError::of_elf(path, other),
        })?;
        let image = Image::parse(file.bytes()).map_err(|error| EncodeError::of_elf(path, error))?;
        if image.section_by_name(BTF_EXT).is_some() {
            let what = "has a section .BTF.ext, which counts in the ids of the .BTF that it has, and would be wrong beside another";
            return Err(EncodeError::new("NOT_IN_PLACE", path, format!("{what}; {ELSEWHERE}")));
        }
        Rewrite::check(&image, &[&[BTF], &Beside::SECTIONS[..]].concat()).map_err(|error| refused(path, error))?;
        Ok(InPlace { path: path.into(), file })
    }

    /// What it is now.
    pub(crate) fn file(&self) -> &InputFile {
        &self.file
    }

    /// Replaces the file by one that has the BTF and what belongs to it. What it had before of that and has not now, a
    /// distilled base or a checksum, belongs to other BTF, and goes.
    pub fn write(&self, btf: &[u8], beside: &Beside) -> Result<(), EncodeError> {
        let mut changes = vec![Change::Put { name: BTF, bytes: btf, alignment: ALIGNMENT }];
        changes.extend(beside.sections().map(|(name, bytes)| match bytes {
            Some(bytes) => Change::Put { name, bytes, alignment: ALIGNMENT },
            None => Change::Remove { name },
        }));
        self.change(&self.image()?, &changes)
    }

    /// The same with a file that has none. Where there was none the file stays as it is.
    pub fn remove(&self) -> Result<(), EncodeError> {
        let image = self.image()?;
        let changes = [BTF].into_iter().chain(Beside::SECTIONS).map(|name| Change::Remove { name });
        let is_there = |change: &Change<'_>| image.section_by_name(change.name().as_bytes()).is_some();
        let changes: Vec<_> = changes.filter(is_there).collect();
        if changes.is_empty() { Ok(()) } else { self.change(&image, &changes) }
    }

    fn image(&self) -> Result<Image<'_>, EncodeError> {
        Image::parse(self.file.bytes()).map_err(|error| EncodeError::of_elf(&self.path, error))
    }

    fn change(&self, image: &Image<'_>, changes: &[Change<'_>]) -> Result<(), EncodeError> {
        let rewrite = Rewrite::plan(image, changes).map_err(|error| refused(&self.path, error))?;
        rewrite_in_place(&self.path, &self.file, &rewrite).map_err(|error| match error {
            ReplaceError::HardLinks { .. } => refusal(error, "copy it first"),
            other => other.into(),
        })
    }
}

fn refused(path: &Path, error: RewriteError) -> EncodeError {
    let hint = match error {
        RewriteError::Elf(error) => return EncodeError::of_elf(path, error),
        RewriteError::Signed => "encode it before it is signed, or ",
        _ => "",
    };
    EncodeError::new("NOT_IN_PLACE", path, format!("{error}; {hint}{ELSEWHERE}"))
}

/// Of what names the file itself.
fn refusal(error: impl std::fmt::Display, hint: &str) -> EncodeError {
    EncodeError { code: "NOT_IN_PLACE", message: format!("{error}; {hint}, or {ELSEWHERE}") }
}
