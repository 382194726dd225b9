//! Functions of real kernels that the reference has and a right encoder has not, by name.

/// A function that cannot be traced by what BTF says of it, which the reference does not notice.
pub struct Fault {
    pub function: &'static str,
    /// Names of the kernels that it is about have all of this in them.
    pub kernel: &'static [&'static str],
    /// What btfkit leaves it out as.
    pub reason: &'static str,
    pub why: &'static str,
}

const FAULTS: [Fault; 2] = [
    Fault {
        function: "zero_fill_bio_iter",
        kernel: &["6.12.", "-amd64"],
        reason: "uncertain-location",
        why: "struct bvec_iter is packed, and on the stack because it is too large for two registers; the reference \
              looks there only from the seventh parameter on",
    },
    Fault {
        function: "timespec64_add_safe",
        kernel: &["6.1.", "-686"],
        reason: "uncertain-location",
        why: "const struct timespec64 is on the stack and less aligned than its members would be elsewhere; the \
              reference leaves out others with this struct, but does not look behind const",
    },
];

pub fn of(kernel: &str) -> impl Iterator<Item = &'static Fault> {
    FAULTS.iter().filter(move |fault| fault.kernel.iter().all(|part| kernel.contains(part)))
}
