//! What the reference makes of a kernel: a recorded encoding, or that of the `pahole` on PATH.

use std::path::{Path, PathBuf};
use std::process::Command;

pub const EM_ARM: u16 = 40;

/// Since this version the reference selects functions by the rules that hold here.
const NEWEST: u32 = 131;

pub struct Reference {
    pub name: String,
    pub btf: Vec<u8>,
    /// Of a version whose functions must be the same.
    pub newest: bool,
    pub machine: u16,
}

impl Reference {
    /// A recorded encoding where `BTFKIT_GOLDEN` names a folder that has one of this kernel, else pahole's
    /// (`PAHOLE` names another than that on PATH). None, and a word on why, where there is neither.
    pub fn of(kernel: &Path) -> Option<Reference> {
        let machine = machine(kernel);
        if let Some(btf) = recorded(kernel) {
            return Some(Reference { name: "the recorded encoding".to_owned(), btf, newest: true, machine });
        }
        let pahole = std::env::var_os("PAHOLE").map_or(PathBuf::from("pahole"), PathBuf::from);
        let version = Command::new(&pahole).arg("--version").output().ok().filter(|o| o.status.success());
        let Some(version) = version else {
            eprintln!("skipped: {}: no recorded encoding, and no pahole", kernel.display());
            return None;
        };
        // v1.31 is 131.
        let version = String::from_utf8_lossy(&version.stdout).trim().trim_start_matches('v').replace('.', "");
        let version: u32 = version.parse().expect("pahole prints its version");
        let features: &[&str] = if version >= 126 {
            &[
                "--btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs",
            ]
        } else {
            &["--btf_gen_floats", "--btf_encode_force"]
        };
        let out = std::env::temp_dir().join(format!("btfkit-reference-{}.btf", std::process::id()));
        let status = Command::new(&pahole)
            .args(["-J", "-j2", "--lang_exclude=rust"])
            .args(features)
            .arg(format!("--btf_encode_detached={}", out.display()))
            .arg(kernel)
            .status()
            .expect("pahole runs");
        assert!(status.success(), "{status}");
        let btf = std::fs::read(&out).expect("pahole has written BTF");
        let _ = std::fs::remove_file(out);
        Some(Reference { name: format!("pahole {version}"), btf, newest: version >= NEWEST, machine })
    }
}

fn recorded(kernel: &Path) -> Option<Vec<u8>> {
    let folder = std::env::var_os("BTFKIT_GOLDEN")?;
    let name = kernel.file_name()?.to_str()?.strip_prefix("vmlinux-")?;
    let archive = Path::new(&folder).join(format!("{name}.tar.zst"));
    if !archive.exists() {
        return None;
    }
    let unpacked = Command::new("tar").args(["--zstd", "-xOf"]).arg(&archive).arg("vmlinux.btf").output();
    match unpacked {
        Ok(output) if output.status.success() => Some(output.stdout),
        other => {
            eprintln!("{}: cannot be unpacked: {other:?}", archive.display());
            None
        }
    }
}

fn head(kernel: &Path) -> [u8; 20] {
    let mut head = [0; 20];
    std::io::Read::read_exact(&mut std::fs::File::open(kernel).expect("a file"), &mut head).expect("an ELF header");
    head
}

pub fn is_64_bit(kernel: &Path) -> bool {
    head(kernel)[4] == 2
}

/// e_machine.
fn machine(kernel: &Path) -> u16 {
    let head = head(kernel);
    let bytes = [head[18], head[19]];
    if head[5] == 2 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}
