use crate::{ElfError, Image, Section};
use std::borrow::Cow;

pub(crate) fn decompress<'data>(image: &Image<'data>, section: &Section<'data>) -> Result<Cow<'data, [u8]>, ElfError> {
    let _ = (image, section);
    todo!()
}
