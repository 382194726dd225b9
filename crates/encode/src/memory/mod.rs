//! The bound on what is held at once.
//!
//! Counted is anonymous memory of the process: tables, results, decompressed sections, and what the process had before
//! the run began (Node). Pages of the mapped input are not: the kernel takes them back when it needs room.
//!
//! | Room | What it does |
//! |---|---|
//! | `limit` | which bound there is, and who set it |
//! | `cgroup` | what the process's control groups leave it |
//! | `need` | before any work: what the file will take, and on how many threads that fits |
//! | `gate` | of many files, as many at once as fit |
//! | `watch` | while working: ends a run that outgrows the bound, before the kernel kills the process |

mod cgroup;
mod gate;
mod limit;
mod need;
mod watch;

pub(crate) use gate::Gate;
pub(crate) use limit::Limit;
pub(crate) use need::{Need, module_need, module_needs_at_least, module_threads};
pub(crate) use watch::watched;

/// Anonymous memory of this process in bytes; None where the system does not tell.
fn anonymous() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    field(&status, "RssAnon:").map(|kilobytes| kilobytes * 1024)
}

/// The first number of the line that begins with this name.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// For people: "143 MiB", and what is less than one in bytes.
pub(crate) fn mebibytes(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{} MiB", bytes.div_ceil(1 << 20)) }
}

#[cfg(test)]
mod tests {
    use super::{anonymous, field, mebibytes};

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_is_written_counts() {
        let before = anonymous().expect("Linux tells");
        let block = vec![1u8; 64 << 20];
        let after = anonymous().expect("Linux tells");
        // Tests beside this one may free some meanwhile.
        assert!(after > before + (32 << 20), "{before} to {after} with {} bytes", block.len());
    }

    #[test]
    fn a_little_is_told_in_bytes() {
        let told = [1024, (1 << 20) - 1, 1 << 20, (1 << 20) + 1].map(mebibytes);
        assert_eq!(told, ["1024 bytes", "1048575 bytes", "1 MiB", "2 MiB"]);
    }

    #[test]
    fn fields_are_whole_names() {
        let text = "anon_thp 7\nanon 4096\nfile 12\n";
        assert_eq!(field(text, "anon "), Some(4096));
        assert_eq!(field(text, "shmem "), None);
    }
}
