//! The program that is compared with.

use crate::explain::{Against, Judge};
use crate::inputs::{Encoding, skipped};
use btfkit_btf::Btf;
use btfkit_encode::Features;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Pahole {
    program: OsString,
    /// 24 of v1.24.
    minor: u32,
    arguments: Vec<String>,
    kfunc_tags: bool,
}

/// The versions whose rules for functions are known here: this one has hardly any, and from that one on they are those
/// that hold here, or nearly. Between them they changed with each version; before them, enum64 is missing.
const FEW_RULES: u32 = 24;
pub const ALL_RULES: u32 = 31;

impl Pahole {
    /// None, with a word, when there is none.
    pub fn find() -> Option<Pahole> {
        let program = std::env::var_os("PAHOLE").unwrap_or_else(|| "pahole".into());
        let output = |argument: &str| {
            let output = Command::new(&program).arg(argument).output().ok()?;
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let Some(version) = output("--version") else {
            skipped(&format!("comparing with pahole: {} is not installed", program.display()));
            return None;
        };
        let minor = version.trim().strip_prefix("v1.").and_then(|rest| rest.split('.').next()?.parse().ok());
        let Some(minor) = minor.filter(|&minor| minor == FEW_RULES || minor >= ALL_RULES) else {
            skipped(&format!("comparing with pahole: {} is of version {}", program.display(), version.trim()));
            return None;
        };
        let help = output("--help").unwrap_or_default();
        let supported = output("--supported_btf_features").unwrap_or_default();
        let knows = |name: &str| supported.trim().split(',').any(|one| one == name);
        let mut arguments: Vec<String> = vec!["-J".into(), "-j2".into(), "--lang_exclude=rust".into()];
        if help.contains("--btf_features") {
            let mut features = Features::default();
            let names = Features::NAMES.into_iter().filter(|name| features.switch(name).is_some_and(|on| *on));
            let names: Vec<&str> = names.filter(|name| knows(name)).collect();
            arguments.push(format!("--btf_features={}", names.join(",")));
        } else {
            arguments.extend(["--btf_encode_force".to_owned(), "--btf_gen_floats".to_owned()]);
        }
        Some(Pahole { program, minor, arguments, kfunc_tags: knows("decl_tag_kfuncs") })
    }

    pub fn compare(&self, path: &Path, ours: &Encoding) {
        let theirs = self.encode(path);
        let said = || self.left_out(path);
        let against = Against::Pahole { minor: self.minor, kfunc_tags: self.kfunc_tags, said: &said };
        let what = format!("{} as pahole 1.{} encodes it", path.display(), self.minor);
        Judge { ours, theirs: &theirs, against }.same(&what);
    }

    fn command(&self, path: &Path, target: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(format!("--btf_encode_detached={}", target.display())).arg(path);
        command
    }

    fn encode(&self, path: &Path) -> Btf {
        let target = target(path);
        // It may report success with nothing written.
        let _ = std::fs::remove_file(&target);
        let mut command = self.command(path, &target);
        let output = command.output().expect("pahole runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
        let bytes = std::fs::read(&target).unwrap_or_else(|error| panic!("{command:?}: {error}: {said}"));
        Btf::parse(bytes).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Functions that it leaves out, and why, as it says itself.
    fn left_out(&self, path: &Path) -> HashMap<String, String> {
        let mut command = self.command(path, &target(path));
        let mut child =
            command.arg("--verbose").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("pahole runs");
        let mut said = HashMap::new();
        for line in BufReader::new(child.stdout.take().expect("a pipe")).split(b'\n') {
            let line = line.expect("lines of pahole");
            if let Some((name, why)) = left_out(&String::from_utf8_lossy(&line)) {
                said.insert(name, why);
            }
        }
        let status = child.wait().expect("pahole ends");
        assert!(status.success(), "{command:?}: {status}");
        said
    }
}

/// "NAME : skipping BTF encoding of function due to WHY".
fn left_out(line: &str) -> Option<(String, String)> {
    let (name, why) = line.split_once(" : skipping BTF encoding of function due to ")?;
    Some((name.to_owned(), why.to_owned()))
}

fn target(path: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    std::fs::create_dir_all(&folder).expect("a folder for the test's files");
    let name: String = path.display().to_string().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    folder.join(format!("{name}.pahole"))
}
