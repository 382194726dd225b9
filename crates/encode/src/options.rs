//! What the user asks for. The one home of each option's meaning; the schema in `ts/` is the home of its name, text and flag.

use crate::policy::Wishes;

/// What goes into the BTF. The names are those of `pahole --btf_features`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Leave out (instead of refusing) variables whose names or types the kernel would not take.
    pub encode_force: bool,
    /// Per-CPU variables and the DATASEC that holds them.
    pub var: bool,
    /// FLOAT for floating point types; without it they are INT.
    pub float: bool,
    /// DECL_TAG from `btf_decl_tag` annotations.
    pub decl_tag: bool,
    /// TYPE_TAG from `btf_type_tag` annotations.
    pub type_tag: bool,
    /// ENUM64 for enumerations wider than four bytes.
    pub enum64: bool,
    /// Accepted for pahole's sake and without effect there too: suffixed symbols (`foo.isra.0`) always count as `foo`.
    pub optimized_func: bool,
    /// Leave out functions that have the same name and different prototypes.
    pub consistent_func: bool,
    /// DECL_TAG `bpf_kfunc` on the functions of `.BTF_ids` sets that are flagged as kfunc sets.
    pub decl_tag_kfuncs: bool,
    /// Accepted for pahole's sake: output is always reproducible.
    pub reproducible_build: bool,
    /// Beside split BTF, write the distilled base that it can be relocated from.
    pub distilled_base: bool,
    /// Variables of all data sections, not only of the per-CPU section.
    pub global_var: bool,
    /// Attributes: tags with kind_flag set (kernels since 6.15).
    pub attributes: bool,
    /// Emit functions that the compiler changed under the name and with the signature that they really have.
    pub true_signature: bool,
    /// The layout section and the 32-byte header that announces it (kernels since 7.1).
    pub layout: bool,
}

impl Features {
    /// All names, in the order in which pahole lists them.
    pub const NAMES: [&'static str; 15] = [
        "encode_force",
        "var",
        "float",
        "decl_tag",
        "type_tag",
        "enum64",
        "optimized_func",
        "consistent_func",
        "decl_tag_kfuncs",
        "reproducible_build",
        "distilled_base",
        "global_var",
        "attributes",
        "true_signature",
        "layout",
    ];

    pub const NONE: Features = Features {
        encode_force: false,
        var: false,
        float: false,
        decl_tag: false,
        type_tag: false,
        enum64: false,
        optimized_func: false,
        consistent_func: false,
        decl_tag_kfuncs: false,
        reproducible_build: false,
        distilled_base: false,
        global_var: false,
        attributes: false,
        true_signature: false,
        layout: false,
    };

    /// The switch of that name, or None when there is none. `base_ref` is the earlier name of `distilled_base`.
    pub fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "encode_force" => &mut self.encode_force,
            "var" => &mut self.var,
            "float" => &mut self.float,
            "decl_tag" => &mut self.decl_tag,
            "type_tag" => &mut self.type_tag,
            "enum64" => &mut self.enum64,
            "optimized_func" => &mut self.optimized_func,
            "consistent_func" => &mut self.consistent_func,
            "decl_tag_kfuncs" => &mut self.decl_tag_kfuncs,
            "reproducible_build" => &mut self.reproducible_build,
            "distilled_base" | "base_ref" => &mut self.distilled_base,
            "global_var" => &mut self.global_var,
            "attributes" => &mut self.attributes,
            "true_signature" => &mut self.true_signature,
            "layout" => &mut self.layout,
            _ => return None,
        })
    }

    /// Reads a comma-separated list as pahole does: `default` stands for the default set, a leading `+` adds to the
    /// default set, empty items are ignored.
    pub fn parse(list: &str) -> Result<Features, UnknownFeature> {
        let (mut features, list) = match list.strip_prefix('+') {
            Some(rest) => (Features::default(), rest),
            None => (Features::NONE, list),
        };
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name == "default" {
                let default = Features::default();
                for name in Features::NAMES {
                    let mut source = default;
                    if source.switch(name).is_some_and(|on| *on) {
                        *features.switch(name).expect("a name of our own list") = true;
                    }
                }
                continue;
            }
            *features.switch(name).ok_or_else(|| UnknownFeature(name.to_owned()))? = true;
        }
        Ok(features)
    }
}

/// pahole's "default", which is what kernel builds ask for.
impl Default for Features {
    fn default() -> Features {
        Features {
            encode_force: true,
            var: true,
            float: true,
            decl_tag: true,
            type_tag: true,
            enum64: true,
            optimized_func: true,
            consistent_func: true,
            decl_tag_kfuncs: true,
            ..Features::NONE
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("unknown feature '{0}'; the features are {list}", list = Features::NAMES.join(", "))]
pub struct UnknownFeature(pub String);

/// How one file is encoded.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub features: Features,
    /// Worker threads at most; None means as many as the process may use. Where the memory limit has no room for all,
    /// fewer work.
    pub jobs: Option<usize>,
    /// Bytes of anonymous memory that the process may have, with all that it had before: tables, results and
    /// decompressed sections count, pages of the input do not. What cannot keep to it ends with MEMORY_LIMIT. None means
    /// what the process's control groups leave it.
    pub memory_limit: Option<u64>,
    /// Units whose `DW_AT_language` is one of these are left out (DW_LANG codes; `lang::code` knows the names).
    pub lang_exclude: Vec<u16>,
    /// Diagnostics become failure.
    pub strict: bool,
    /// Which sections a file gets.
    pub sections: Wishes,
}
