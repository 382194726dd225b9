//! What the running kernel says to a BTF.

#![allow(unsafe_code, reason = "a system call")]

pub enum Answer {
    Accepted,
    /// With the end of the kernel's log.
    Refused(String),
    /// There is nobody to ask, or no permission.
    None(String),
}

#[cfg(target_os = "linux")]
pub fn ask(btf: &[u8]) -> Answer {
    const EPERM: i32 = libc::EPERM;
    const ENOSYS: i32 = libc::ENOSYS;
    let Err(error) = load(btf, &mut []) else { return Answer::Accepted };
    match error.raw_os_error() {
        Some(EPERM | ENOSYS) => Answer::None(error.to_string()),
        _ => {
            let mut log = vec![0; 1 << 24];
            let again = load(btf, &mut log).err().unwrap_or(error);
            let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
            let text = String::from_utf8_lossy(&log[..end]);
            let lines: Vec<&str> = text.trim_end().lines().rev().take(3).collect();
            Answer::Refused(format!("{again}: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" | ")))
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub fn ask(_: &[u8]) -> Answer {
    Answer::None("this is no Linux".to_owned())
}

/// bpf(BPF_BTF_LOAD); the kernel forgets the BTF at once.
#[cfg(target_os = "linux")]
fn load(btf: &[u8], log: &mut [u8]) -> std::io::Result<()> {
    use std::os::fd::{FromRawFd, OwnedFd};
    const BPF_BTF_LOAD: libc::c_long = 18;
    /// As much of `union bpf_attr` as this command has had from the start.
    #[repr(C)]
    struct Attributes {
        btf: u64,
        log: u64,
        size: u32,
        log_size: u32,
        log_level: u32,
        /// The kernel checks that what it does not know is zero.
        padding: u32,
    }
    let attributes = Attributes {
        btf: btf.as_ptr() as u64,
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
        size: u32::try_from(btf.len()).map_err(std::io::Error::other)?,
        log_size: u32::try_from(log.len()).map_err(std::io::Error::other)?,
        log_level: u32::from(!log.is_empty()),
        padding: 0,
    };
    // SAFETY: the kernel reads `attributes` and `btf` and writes `log`, each within the size given with it, and all
    // three outlive the call.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, BPF_BTF_LOAD, &raw const attributes, std::mem::size_of::<Attributes>()) };
    if result < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the call has just opened this descriptor, and nobody else knows it.
    drop(unsafe { OwnedFd::from_raw_fd(result as i32) });
    Ok(())
}
