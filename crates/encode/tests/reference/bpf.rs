//! Asks the running kernel to take a BTF: bpf(BPF_BTF_LOAD), which needs root or CAP_BPF.

pub enum Answer {
    Accepted,
    Refused(i32, String),
    /// No permission, no such system call, or a machine whose call number is not known here.
    None(String),
}

/// `union bpf_attr` as far as BPF_BTF_LOAD reads it.
#[repr(C)]
struct Attributes {
    btf: u64,
    log: u64,
    size: u32,
    log_size: u32,
    log_level: u32,
}

const BPF_BTF_LOAD: libc::c_long = 18;
/// Up to `btf_log_level`; padding behind it is not the kernel's business.
const ATTRIBUTES_SIZE: libc::c_long = 28;

pub fn load(bytes: &[u8]) -> Answer {
    let mut log = vec![0u8; 1 << 20];
    match attempt(bytes, &mut []) {
        Ok(()) => Answer::Accepted,
        Err(libc::EPERM | libc::ENOSYS | libc::EACCES) => {
            Answer::None("no permission, or no bpf system call".to_owned())
        }
        Err(errno) => {
            let _ = attempt(bytes, &mut log);
            let end = log.iter().position(|&b| b == 0).unwrap_or(log.len());
            let said = String::from_utf8_lossy(&log[..end]);
            Answer::Refused(errno, said.lines().last().unwrap_or_default().to_owned())
        }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "s390x", target_arch = "riscv64"))]
fn attempt(bytes: &[u8], log: &mut [u8]) -> Result<(), i32> {
    let mut attributes = Attributes {
        btf: bytes.as_ptr() as u64,
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
        size: bytes.len() as u32,
        log_size: log.len() as u32,
        log_level: !log.is_empty() as u32,
    };
    // SAFETY: the attributes point at `bytes`, which the kernel reads, and at `log`, which it writes; both outlive the
    // call, and their lengths are stated. A descriptor that comes back is ours, and is closed once.
    unsafe {
        let fd = libc::syscall(libc::SYS_bpf, BPF_BTF_LOAD, &raw mut attributes, ATTRIBUTES_SIZE);
        if fd < 0 {
            return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
        }
        libc::close(fd as i32);
    }
    Ok(())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "s390x", target_arch = "riscv64")))]
fn attempt(_: &[u8], _: &mut [u8]) -> Result<(), i32> {
    Err(libc::ENOSYS)
}
