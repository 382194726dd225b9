//! Pass E: chains of modifiers.
//!
//! The kernel follows a chain such as `const → typedef → const → int` link by link and allows 32. Type tags must come
//! before all other links, or it would not find them: `tag → const → int` is good, `const → tag → int` is not. A link
//! whose own chain was found good before ends the walk.

use super::{Blob, Errno, Refusal};
use crate::Kind;

const LONGEST: u32 = 32;

pub(super) fn check(blob: &Blob) -> Result<(), Refusal> {
    // Own ids in ascending order: everything between the first and this one is good.
    let first = blob.start_id;
    let mut good = first - 1;
    for (id, &at) in (first..).zip(&blob.records) {
        let mut rec = blob.record_at(at as usize);
        if !rec.is_modifier() {
            continue;
        }
        let mut tags = rec.is(Kind::TypeTag);
        let mut current = id;
        let mut links = 0;
        while rec.is_modifier() {
            let refuse = |errno, message: &str| {
                Err(Refusal { type_id: Some(crate::TypeId(id)), ..Refusal::plain(errno, message) })
            };
            if links == LONGEST {
                return refuse(Errno::ELOOP, "Max chain length or cycle detected");
            }
            links += 1;
            match (rec.is(Kind::TypeTag), tags) {
                (true, false) => return refuse(Errno::EINVAL, "Type tags don't precede modifiers"),
                (is_tag, _) => tags = is_tag,
            }
            if current <= good {
                break;
            }
            current = rec.word;
            let Some(next) = blob.get(current) else { return refuse(Errno::EINVAL, "") };
            rec = next;
        }
        good = id;
    }
    Ok(())
}
