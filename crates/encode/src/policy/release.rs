//! What each release of the kernel was the first to know.

use crate::Features;
use btfkit_btf::validate::{Release, UnknownRelease};

/// The release of that name, or why it is none.
pub fn release(text: &str) -> Result<Release, String> {
    text.parse().map_err(|error: UnknownRelease| error.to_string())
}

/// The first that reads BTF of modules.
pub const MODULE_BTF: Release = Release::new(5, 11);
/// The first that relocates split BTF with a `.BTF.base`.
pub const DISTILLED_BASE: Release = Release::new(6, 11);

/// Features that put something into the BTF that is not known always, and the first release that knows it: kinds (VAR
/// and DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64, and with the latter the flag of signed enums), the flag of tags that
/// are attributes, and the header's fields for the layout section.
pub(super) const SINCE: [(&str, Release); 10] = [
    ("var", Release::V5_2),
    ("global_var", Release::V5_2),
    ("float", Release::V5_13),
    ("decl_tag", Release::V5_16),
    ("decl_tag_kfuncs", Release::V5_16),
    ("type_tag", Release::V5_17),
    ("enum64", Release::V6_0),
    ("distilled_base", DISTILLED_BASE),
    ("attributes", Release::V6_15),
    ("layout", Release::V7_1),
];

/// Leaves out of `features` what the target does not know: it refuses a BTF with a kind, flag or header field that came
/// later.
pub fn limit(features: &Features, target: Release) -> Features {
    let mut features = *features;
    for (name, first) in SINCE {
        if target < first
            && let Some(switch) = features.switch(name)
        {
            *switch = false;
        }
    }
    features
}
