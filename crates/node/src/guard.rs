//! A panic ends at the addon's border: it becomes an error with code INTERNAL, and the process lives on.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use btfkit_encode::{EncodeError, fault};

/// Runs `work`; a panic becomes an error that says where it came from.
pub fn guard<T>(work: impl FnOnce() -> Result<T, EncodeError>) -> Result<T, EncodeError> {
    static HOOK: Once = Once::new();
    // The hook belongs to this library's own copy of the standard library, so no other addon's panics come here.
    HOOK.call_once(|| set_hook(Box::new(|info| fault::remember(&info.to_string()))));
    // What `work` held when it panicked is dropped and never looked at again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let place = fault::take();
        Err(EncodeError {
            code: "INTERNAL",
            message: format!(
                "btfkit failed at something that should not happen: {}; please report it, with the file if you can",
                place.as_deref().unwrap_or("a panic of unknown origin")
            ),
        })
    })
}

#[cfg(test)]
mod tests {
    use btfkit_encode::EncodeError;

    use super::guard;

    #[test]
    fn a_panic_becomes_an_error_with_its_place() {
        let error: EncodeError = guard::<()>(|| panic!("seven is not a size")).unwrap_err();
        assert_eq!(error.code, "INTERNAL");
        assert!(error.message.contains("guard.rs:"), "{}", error.message);
        assert!(error.message.contains("seven is not a size"), "{}", error.message);
    }

    #[test]
    fn results_and_errors_pass_through() {
        assert_eq!(guard(|| Ok(7)).unwrap(), 7);
        let error = guard::<()>(|| Err(EncodeError { code: "NO_DWARF", message: "none".into() })).unwrap_err();
        assert_eq!(error.code, "NO_DWARF");
    }
}
