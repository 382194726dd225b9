//! The Node addon: translates between JavaScript and `btfkit-encode`; no algorithm lives here.
