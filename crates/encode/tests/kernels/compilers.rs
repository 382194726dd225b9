//! The generated program as the compilers that are here make it.

use crate::inputs::skipped;
use crate::program;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a program is made of objects.
#[derive(Clone, Copy)]
pub enum Link {
    Program(&'static [&'static str]),
    /// Into one relocatable object.
    Relocatable,
}

pub fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// None, with a word, where one of the tools is not installed.
pub fn build(compiler: &str, flags: &[&str], link: Link, tools: &[&str]) -> Option<PathBuf> {
    for tool in [&[compiler], tools].concat() {
        if !is_installed(tool) {
            skipped(&format!("the program by {compiler} {}: {tool} is not installed", flags.join(" ")));
            return None;
        }
    }
    let name = format!("{compiler}{}", flags.concat()).replace('=', "-");
    let kind = if matches!(link, Link::Relocatable) { "-r" } else { "" };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("program").join(name + kind);
    std::fs::create_dir_all(&folder).expect("a folder");
    let files = program::files();
    for (name, text) in &files {
        std::fs::write(folder.join(name), text).expect("a written file");
    }
    let units: Vec<&str> = files.iter().filter_map(|(name, _)| name.strip_suffix(".c")).collect();
    // Two at once, as the smallest machines have that many processors.
    for pair in units.chunks(2) {
        let compile = |unit: &&str| {
            let mut command = Command::new(compiler);
            command.current_dir(&folder).args(["-O2", "-g", "-w", "-c"]).args(flags).arg(format!("{unit}.c"));
            command
        };
        let children: Vec<_> = pair.iter().map(|unit| (compile(unit), compile(unit).spawn())).collect();
        for (command, child) in children {
            let status = child.and_then(|mut child| child.wait()).expect("the compiler runs");
            assert!(status.success(), "{command:?}: {status}");
        }
    }
    let objects = units.iter().map(|unit| format!("{unit}.o"));
    let output = folder.join("program");
    let mut command = Command::new(compiler);
    command.current_dir(&folder).args(["-O2", "-g", "-w"]).args(flags).args(objects).arg("-o").arg(&output);
    match link {
        Link::Program(arguments) => command.args(arguments),
        Link::Relocatable => command.args(["-r", "-nostdlib"]),
    };
    let status = command.status().expect("the linker runs");
    assert!(status.success(), "{command:?}: {status}");
    Some(output)
}
