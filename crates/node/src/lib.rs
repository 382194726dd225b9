//! The Node addon: translates between JavaScript and `btfkit-encode`; no algorithm lives here.

// Tests have no Node to register with, so what only JavaScript calls is unused there.
#![cfg_attr(test, allow(dead_code))]

mod check;
mod control;
mod convert;
mod encode;
mod guard;
mod kernel;
mod outcome;
mod task;

use btfkit_encode::Features;
use napi_derive::napi;

/// The names that `features` takes, in the order in which pahole lists them.
#[napi(catch_unwind)]
pub fn feature_names() -> Vec<String> {
    Features::NAMES.iter().map(|name| (*name).to_owned()).collect()
}

/// The features of the default set.
#[napi(catch_unwind)]
pub fn default_feature_names() -> Vec<String> {
    let mut default = Features::default();
    Features::NAMES
        .iter()
        .filter(|name| default.switch(name).is_some_and(|on| *on))
        .map(|name| (*name).into())
        .collect()
}

/// The names that `langExclude` takes.
#[napi(catch_unwind)]
pub fn language_names() -> Vec<String> {
    btfkit_encode::language_names().map(str::to_owned).collect()
}

/// The DW_LANG code of a language's name, or null when there is no such language.
#[napi(catch_unwind)]
pub fn language_code(name: String) -> Option<u32> {
    btfkit_encode::language_code(&name).map(u32::from)
}
