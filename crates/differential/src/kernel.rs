//! The one unsafe file: the system call.
//!
//! What has to hold for the calls here, and does:
//! - every pointer in the attributes is that of a slice that outlives the call, with that slice's length;
//! - the kernel writes to the log alone, which is borrowed mutably for the call, and no further than its length;
//! - a file descriptor that comes back belongs to nobody else and is closed once.

#![allow(unsafe_code, reason = "a system call; the contract is above")]

use btfkit_btf::validate::{Release, UnknownRelease};
use std::io;

/// `BPF_BTF_LOAD` of `enum bpf_cmd`.
const BTF_LOAD: libc::c_int = 18;
/// Bytes of log that a small blob can bring forth: a line for each type and member.
const LOG: usize = 1 << 20;

/// The attributes of the command, as far as kernels since 4.18 read them.
#[repr(C)]
struct Attributes {
    btf: u64,
    log: u64,
    btf_size: u32,
    log_size: u32,
    log_level: u32,
    unused: u32,
}

/// What a kernel said to a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 0 where it took the blob.
    pub errno: i32,
    /// What it wrote about the blob; empty where it took it.
    pub log: Vec<u8>,
}

/// The kernel that runs here, which has been found to answer.
#[derive(Debug)]
pub struct Kernel {
    pub release: Release,
}

impl Kernel {
    /// Or, in words, why it cannot be asked.
    pub fn ask_whether_it_answers() -> Result<Kernel, String> {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")
            .map_err(|error| format!("this is no Linux that tells its release: {error}"))?;
        let release = release.trim().parse().map_err(|error: UnknownRelease| error.to_string())?;
        // No blob is this short, so that only a kernel that looks at it says EINVAL.
        match call(&[0; 4], &mut []) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(Kernel { release }),
            Err(error) => Err(format!("BPF_BTF_LOAD is not allowed here ({error}); it needs root or CAP_BPF")),
            Ok(()) => Err("BPF_BTF_LOAD takes four bytes for BTF".to_owned()),
        }
    }

    /// Loads a blob and lets go of it again.
    pub fn load(&self, blob: &[u8]) -> Answer {
        // Most of the time goes into the log, and nobody reads that of a blob that is taken.
        let Err(error) = call(blob, &mut []) else { return Answer::default() };
        let mut log = vec![0; LOG];
        let again = call(blob, &mut log);
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        log.truncate(end);
        let errno = again.err().unwrap_or(error).raw_os_error().unwrap_or_default();
        Answer { errno, log }
    }
}

fn call(blob: &[u8], log: &mut [u8]) -> io::Result<()> {
    let mut attributes = Attributes {
        btf: blob.as_ptr() as u64,
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
        btf_size: blob.len() as u32,
        log_size: log.len() as u32,
        log_level: u32::from(!log.is_empty()),
        unused: 0,
    };
    let size = std::mem::offset_of!(Attributes, unused);
    // SAFETY: see the contract above.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BTF_LOAD, &raw mut attributes, size) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made for us.
    unsafe { libc::close(fd as libc::c_int) };
    Ok(())
}
