//! Small sources, compiled by what is installed here, and what must come out of each.

use crate::common::*;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Build {
    program: &'static str,
    folder: PathBuf,
}

/// None, with a word, where the compiler is not installed or the machine is not the one that the sources are about.
fn compiler(program: &'static str) -> Option<Build> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        eprintln!("skipped: the expectations are those of x86-64 Linux");
        return None;
    }
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: {program} is not installed");
        return None;
    }
    let folder = scratch("sources");
    std::fs::create_dir_all(&folder).expect("a folder");
    Some(Build { program, folder })
}

impl Build {
    fn run(&self, arguments: &[&str], output: &Path) -> PathBuf {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sources");
        let mut command = Command::new(self.program);
        command.current_dir(sources).args(arguments).arg("-o").arg(output);
        let done = command.output().expect("the compiler runs");
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        output.to_owned()
    }

    fn object(&self, source: &str, flags: &[&str]) -> PathBuf {
        let arguments = [flags, &["-g", "-c", source]].concat();
        self.run(&arguments, &self.folder.join(source).with_extension("o"))
    }

    /// Objects of these sources in this order, linked into one object.
    fn objects(&self, sources: &[&str], flags: &[&str]) -> PathBuf {
        let objects: Vec<PathBuf> = sources.iter().map(|source| self.object(source, flags)).collect();
        let names = objects.iter().map(|path| path.to_str().expect("a path of text"));
        let arguments: Vec<&str> = ["-r", "-nostdlib"].into_iter().chain(names).collect();
        self.run(&arguments, &self.folder.join("all.o"))
    }

    fn program(&self, sources: &[&str], flags: &[&str]) -> PathBuf {
        self.run(&[flags, &["-g"], sources].concat(), &self.folder.join("program"))
    }
}

fn by_default(path: &Path) -> Outcome {
    with(path, "default")
}

fn with(path: &Path, features: &str) -> Outcome {
    let outcome = encode(path, &options(features));
    outcome.is_valid(8);
    outcome
}

#[test]
fn atomic() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("the tag ends the encoding", || {
        let outcome = by_default(&gcc.object("a.c", &["-O1"]));
        outcome.expect("INT int size=4 bits=32 signed\nFUNC f static (a:int) -> int");
        let outcome = with(&gcc.object("a.c", &["-O1"]), "default,global_var");
        outcome.has("VAR ai global : int");
    });
}

#[test]
fn complex() {
    let Some(gcc) = compiler("gcc") else { return };
    let object = gcc.object("c.c", &["-O1"]);
    differs("a complex type ends the encoding when floats are wanted", || {
        by_default(&object).expect(
            "INT complex double size=16 bits=128
             INT int size=4 bits=32 signed
             FUNC f static (a:int) -> int",
        );
    });
    with(&object, "var").has("INT complex double size=16 bits=128");
}

#[test]
fn kinds_of_types() {
    // clang has no _Float128.
    let Some(gcc) = compiler("gcc") else { return };
    let outcome = by_default(&gcc.object("arr.c", &["-O0"]));
    outcome.has(
        "STRUCT a size=4 { n:int@0 flex:[0]int@32 }
         STRUCT z size=4 { n:int@0 zl:[0]int@32 }
         STRUCT bf size=16 kflag { a:unsigned int@0:3 b:unsigned int@3:5 c:int@32 d:long unsigned int@64:40 e:int@104:7 }
         ENUM fwd size=4 unsigned {}
         ENUM neg size=4 signed { N=-1 P=2 }
         ENUM e8 size=1 unsigned { E8=1 }
         ENUM64 big size=8 unsigned { B=4294967296 C=1 }
         ENUM64 nbig size=8 signed { NB=-4294967296 NC=1 }
         UNION u size=8 kflag { a:int@0:3 b:long int@0 }
         FWD struct fs
         FWD union fu
         TYPEDEF vec = [4]int
         INT _Bool size=1 bits=8 bool
         INT char size=1 bits=8 signed
         INT signed char size=1 bits=8 signed
         INT unsigned char size=1 bits=8
         INT __int128 size=16 bits=128 signed
         INT __int128 unsigned size=16 bits=128
         FLOAT float size=4
         FLOAT double size=8
         FLOAT long double size=16
         FLOAT _Float16 size=2
         FLOAT _Float128 size=16
         FUNC vla static (n:int) -> int
         STRUCT anon size=8 { _:union { x:int@0 y:float@0 }@0 named:struct { q:int@0 }@32 }",
    );
    // m[3][4][5], and the array of variable length.
    let arrays = outcome.ok().lines(&["ARRAY"]);
    assert!(arrays.contains(&"ARRAY [60]int".to_owned()) && arrays.contains(&"ARRAY [0]int".to_owned()), "{arrays:?}");
    let all = with(&gcc.object("arr.c", &["-O0"]), "default,global_var");
    all.has("VAR m global : [60]int\nVAR osp global : *(...) -> int\nVAR fp global : *(int ...) -> void")
        .lacks("VAR st ");
}

#[test]
fn more_kinds_of_types() {
    let Some(gcc) = compiler("gcc") else { return };
    let outcome = with(&gcc.object("misc.c", &["-O0"]), "default,global_var");
    outcome.has(
        "VAR v8 global : [4]short int
         VAR c16 global : char16_t
         VAR pa global : *[12]int
         STRUCT al size=64 { a:int@0 }
         TYPEDEF anon_td = struct { a:int@0 }
         FWD struct sfw
         STRUCT h size=24 kflag { p:*fwd struct sfw@0 _:struct { b:int@4:4 }@64 q:long unsigned int@128:64 }
         VAR anon_e global : enum { ANON1=0 ANON2=1 }
         VAR vp global : *void
         VAR cvp global : *const void
         VAR rp global : restrict *int
         TYPEDEF fpt = *(*const char ...) -> int
         VAR noproto global : *(...) -> int
         VAR voidproto global : *() -> int
         ENUM mix size=4 signed { MN=-5 MP=2147483647 }
         ENUM um size=4 unsigned { UM=4294967295 }
         FUNC nr static (c:int) -> void
         FUNC multi static (a:int b:*int c:*[3]int cb:*(int) -> void) -> int",
    );
    outcome.no_variable("zero", "zero-size");
    let either = ["VAR cvi global : const volatile int", "VAR cvi global : volatile const int"];
    assert!(outcome.lines().iter().any(|line| either.contains(&line.as_str())));
    differs("the declaration, which does not know the size, is preferred to the definition", || {
        outcome.has("VAR ea global : [7]int");
    });
}

#[test]
fn assembler() {
    let Some(gcc) = compiler("gcc") else { return };
    let object = gcc.object("as.s", &[]);
    by_default(&object).kind("FUNC", "FUNC asmfn static () -> void");
    ours(|| {
        let options = btfkit_encode::Options { lang_exclude: vec![0x8001], ..options("default") };
        let outcome = encode(&object, &options);
        assert!(outcome.btf.is_err() || outcome.lines().is_empty());
    });
}

#[test]
fn typedefs_of_two_objects() {
    let Some(gcc) = compiler("gcc") else { return };
    by_default(&gcc.objects(&["b2.c", "k2.c"], &["-O1"])).expect(
        "INT int size=4 bits=32 signed
         INT unsigned int size=4 bits=32
         TYPEDEF u32 = unsigned int
         TYPEDEF myu = u32
         STRUCT q size=8 { a:myu@0 b:u32@32 }
         FUNC bf2 static (x:*myu y:u32) -> int
         FUNC kf2 static (x:*myu y:u32) -> int",
    );
}

#[test]
fn member_beyond_2_mib() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("its offset is corrupt", || {
        let outcome = by_default(&gcc.object("bo.c", &["-O1"]));
        outcome
            .has("FWD struct big\nFUNC f static (b:*fwd struct big) -> int")
            .lacks("STRUCT")
            .diagnostic("struct-too-large");
    });
}

#[test]
fn cplusplus() {
    let Some(gcc) = compiler("g++") else { return };
    let outcome = with(&gcc.object("cpp2.cc", &["-O0"]), "default,global_var");
    outcome.has(
        "STRUCT Base size=4 { b:int@0 }
         STRUCT In size=16 { nest:struct Nest@0 self:*struct In@64 }
         STRUCT Nest size=4 { n:int@0 }
         STRUCT in size=4 { q:int@0 }
         STRUCT Kl size=4 { a:int@0 }
         VAR bb global : struct Base",
    );
    outcome.lacks("FUNC ").no_function("use", "not-in-symbol-table");
}

#[test]
fn enum_forwards() {
    let Some(gcc) = compiler("gcc") else { return };
    by_default(&gcc.objects(&["ef1.c", "ef2.c", "ef3.c", "ef4.c"], &["-O0"]))
        .kind("ENUM64", "ENUM64 big size=8 unsigned { B=4294967296 }")
        .kind(
            "ENUM",
            "ENUM amb size=4 unsigned { A1=0 }
         ENUM amb size=4 unsigned { A2=0 }",
        );
}

#[test]
fn struct_forwards() {
    let Some(gcc) = compiler("gcc") else { return };
    let outcome = with(&gcc.objects(&["fwd1.c", "fwd2.c", "fwd3.c"], &["-O0"]), "default,global_var");
    outcome.has(
        "STRUCT S size=4 { a:int@0 }
         STRUCT U size=4 { z:int@0 }
         ENUM en size=4 unsigned { EN1=0 }
         UNION both size=4 { a:int@0 }
         STRUCT both size=8 { x:long int@0 }
         FUNC f1 static (s:*struct S) -> int
         FUNC f2 static (s:*struct S) -> int
         VAR p1 global : *struct S
         VAR pe global : *enum en",
    );
    // A struct of that name is no union, and of "both" there are two.
    outcome.has("FWD union U\nFWD struct both\nVAR pu global : *fwd union U\nVAR pb global : *fwd struct both");
}

#[test]
fn floating_point_parameters() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("they count as integers in unexpected registers", || {
        let outcome = by_default(&gcc.program(&["fl.c"], &["-O2"]));
        outcome.kind(
            "FUNC",
            "FUNC fa static (a:double b:int) -> double
             FUNC fb static (b:int a:double) -> int
             FUNC main static () -> int",
        );
    });
}

#[test]
fn selection_of_functions() {
    let Some(gcc) = compiler("gcc") else { return };
    let outcome = by_default(&gcc.program(&["fn1.c", "fn2.c"], &["-O2"]));
    outcome.has(
        "FUNC opt static (a:int b:int) -> int
         FUNC alias_t static (a:int) -> int
         FUNC va static (a:int ...) -> int
         FUNC wk static (strong_name:int) -> int
         FUNC user static () -> int",
    );
    outcome.no_function("dup", "ambiguous-address").no_function("many", "uncertain-location");
    // Not named by DWARF, declared only, inlined everywhere.
    for name in ["alias_n", "many_ok", "inl_only", "inl", "unnamed"] {
        outcome.lacks(&format!("FUNC {name} "));
    }
}

#[test]
fn imported_units() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("the rest of the file is left out, or all of it, with success", || {
        for imported in ["imp.s", "imp2.s"] {
            let without: &[&str] = &["-O1"];
            by_default(&gcc.objects(&["m1.c", imported, "m2.c"], without)).expect(
                "INT int size=4 bits=32 signed
                 STRUCT s1 size=4 { a:int@0 }
                 FUNC f1 static (p:*struct s1) -> int
                 INT long int size=8 bits=64 signed
                 STRUCT s2 size=8 { b:long int@0 }
                 FUNC f2 static (p:*struct s2) -> int",
            );
        }
    });
}

#[test]
fn kernel_functions() {
    let Some(gcc) = compiler("gcc") else { return };
    let object = gcc.object("kf.c", &["-O1"]);
    by_default(&object)
        .kind("DECL_TAG", "DECL_TAG 'bpf_kfunc' -> FUNC bpf_kf1 @-1\nDECL_TAG 'bpf_kfunc' -> FUNC bpf_kf2 @-1");
    // The first is flagged for its second argument, which is no pointer; without it the encoding goes on.
    differs("an arena flag on what is no pointer makes the encoding fail", || {
        let outcome = with(&object, "default,attributes");
        outcome.has(
            "FUNC bpf_kf1 static (p:*void b:int) -> int
             FUNC bpf_kf2 static (p:*void) -> *tag(address_space(1) attr) void
             DECL_TAG 'bpf_kfunc' -> FUNC bpf_kf1 @-1",
        );
        outcome.diagnostic(ANY);
    });
}

#[test]
fn long_names() {
    for program in ["gcc", "clang"] {
        let Some(build) = compiler(program) else { continue };
        differs("they are cut at 127 bytes", || {
            let outcome = by_default(&build.object("ln.c", &["-O1"]));
            let functions = outcome.ok().lines(&["FUNC"]);
            let f = functions.iter().find(|line| line.starts_with("FUNC f ")).expect("f");
            assert_eq!(f.matches('p').count(), 200, "{f}");
            for tag in outcome.ok().lines(&["DECL_TAG"]) {
                assert_eq!(tag.split('\'').nth(1).map(str::len), Some(300), "{tag}");
            }
        });
    }
}

#[test]
fn member_of_an_unspecified_type() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("its type is an unrelated one", || {
        let outcome = by_default(&gcc.objects(&["m1.c", "mt.s"], &["-O1"]));
        outcome.has("STRUCT hasvoid size=8 {}\nSTRUCT s1 size=4 { a:int@0 }");
    });
}

#[test]
fn per_cpu_and_global_variables() {
    let Some(gcc) = compiler("gcc") else { return };
    let object = gcc.object("pc.c", &["-O1", "-fno-zero-initialized-in-bss"]);
    let outcome = by_default(&object);
    outcome.kind("VAR", "VAR first global : int\nVAR second static : long int");
    outcome.no_variable("__UNIQUE_ID_x1", "filtered-name").no_variable("__tpstrtab_q", "filtered-name");
    outcome.no_variable("emptyv", "zero-size").no_variable("bad$pc", "invalid-name");
    let outcome = with(&object, "default,global_var");
    outcome
        .has("VAR glob global : int\nVAR ro global : const int\nVAR sh global : int")
        .no_variable("badname$x", "invalid-name");
    for name in ["tls", "ext", "fstat"] {
        outcome.lacks(&format!("VAR {name} "));
    }
    with(&object, "var,global_var").failed(ANY);
}

#[test]
fn structs_on_the_stack() {
    let Some(gcc) = compiler("gcc") else { return };
    let path = gcc.program(&["pkt.c"], &["-O1"]);
    by_default(&path).no_function("m4", "uncertain-location").has("FUNC main static () -> int");
    differs("only a struct that is named directly is seen", || {
        let outcome = by_default(&path);
        for name in ["m1", "m2", "m3"] {
            outcome.no_function(name, "uncertain-location");
        }
    });
}

#[test]
fn arrays_of_different_elements() {
    let Some(gcc) = compiler("gcc") else { return };
    let struct_of = |path: &Path| by_default(path).ok().lines(&["STRUCT"]);
    differs("the second struct is taken for the first", || {
        let mut had = struct_of(&gcc.objects(&["q1.c", "q2.c"], &["-O1"]));
        had.sort();
        assert_eq!(
            had,
            [
                "STRUCT foo size=64 { a:[4]*int@0 b:[4]*int@256 }",
                "STRUCT foo size=64 { a:[4]*int@0 b:[4]*long int@256 }"
            ]
        );
    });
}

#[test]
fn references_across_units() {
    let Some(gcc) = compiler("gcc") else { return };
    by_default(&gcc.objects(&["m1.c", "ra.s", "m2.c"], &["-O1"])).has(
        "TYPEDEF td = myint
         INT myint size=4 bits=32 signed
         STRUCT s1 size=4 { a:int@0 }
         STRUCT s2 size=8 { b:long int@0 }
         FUNC f1 static (p:*struct s1) -> int
         FUNC f2 static (p:*struct s2) -> int",
    );
}

#[test]
fn executables_twice() {
    let Some(gcc) = compiler("gcc") else { return };
    ours(|| {
        let path = gcc.program(&["run.c"], &[]);
        let before = std::fs::read(&path).expect("the program");
        let first = with(&path, "default,global_var");
        first.has("VAR x1 global : int\nFUNC main static () -> int");
        assert!(first.bytes == with(&path, "default,global_var").bytes);
        assert!(std::fs::read(&path).expect("the program") == before);
        assert!(Command::new(&path).status().expect("the program runs").success());
    });
}

const TYPE_UNITS: [[&str; 3]; 2] =
    [["-gdwarf-4", "-fdebug-types-section", "-O1"], ["-gdwarf-5", "-fdebug-types-section", "-O1"]];

#[test]
fn type_units() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("DWARF 4's end in a crash, DWARF 5's are not found", || {
        for flags in TYPE_UNITS {
            holds_ts(&gcc.program(&["t1.c", "t2.c"], &flags));
        }
    });
}

#[test]
fn clang_keeps_the_types_of_c_in_their_units() {
    let Some(clang) = compiler("clang") else { return };
    for flags in TYPE_UNITS {
        holds_ts(&clang.program(&["t1.c", "t2.c"], &flags));
        holds_ts(&clang.objects(&["t1.c", "t2.c"], &flags));
    }
}

fn holds_ts(path: &Path) {
    let outcome = by_default(path);
    // clang calls the type "long".
    let structs: Vec<String> =
        outcome.ok().lines(&["STRUCT"]).iter().map(|line| line.replace("long int", "long")).collect();
    assert_eq!(structs, ["STRUCT ts size=24 { a:int@0 n:*struct ts@64 z:long@128 }"]);
    outcome.function("f1", "(p:*struct ts) -> int").function("f2", "(p:*struct ts) -> int");
}

#[test]
fn type_units_of_objects() {
    // Each in a section of its own, which the linker keeps once: several .debug_types, or several .debug_info.
    let Some(gcc) = compiler("gcc") else { return };
    differs("DWARF 4's end in a crash, DWARF 5's are not found", || {
        for flags in TYPE_UNITS {
            holds_ts(&gcc.objects(&["t1.c", "t2.c"], &flags));
        }
    });
}

#[test]
fn types_nested_in_what_a_type_unit_defines() {
    // The unit has a declaration of W with the signature of its definition, and in it the typedefs that are used.
    let Some(gcc) = compiler("g++") else { return };
    for flags in [&[][..], &["-fdebug-types-section"], &["-fdebug-types-section", "-gdwarf-4"]] {
        differs("type units end in a crash, or are not found; references end the encoding", || {
            let outcome = by_default(&gcc.program(&["nested.cc"], flags));
            outcome.has(
                "STRUCT I size=16 { s:pointer@0 f:pointer@64 }\nTYPEDEF pointer = *struct Z\nTYPEDEF pointer = *char",
            );
        });
    }
}

#[test]
fn tags_of_functions_that_were_inlined() {
    let Some(clang) = compiler("clang") else { return };
    for path in [clang.program(&["tagi.c"], &["-O2"]), clang.object("tagi.c", &["-O2"])] {
        let outcome = by_default(&path);
        outcome.function("caller", "(x:int) -> int");
    }
    differs("the tags are on the abstract instance, and lost", || {
        by_default(&clang.program(&["tagi.c"], &["-O2"]))
            .kind("DECL_TAG", "DECL_TAG 'inltag' -> FUNC maybe_inl @-1\nDECL_TAG 'pt2' -> FUNC maybe_inl @0");
    });
}

#[test]
fn void_variable() {
    let Some(gcc) = compiler("g++") else { return };
    let path = gcc.object("vv.cc", &["-O0"]);
    let outcome = with(&path, "default,global_var");
    outcome.kind("VAR", "VAR first global : int\nVAR last global : int").no_variable("np", "void-type");
    differs("the rest of the unit's variables is left out without a word", || {
        with(&path, "var,global_var").failed(ANY);
    });
}

#[test]
fn the_last_name_of_all_at_two_addresses() {
    let Some(gcc) = compiler("gcc") else { return };
    differs("the name that comes last in the alphabet is never tested", || {
        let outcome = by_default(&gcc.program(&["z1.c", "z2.c"], &["-O1"]));
        outcome
            .no_function("zzz", "ambiguous-address")
            .has("FUNC u1 static (x:int) -> int\nFUNC u2 static (x:int) -> int");
    });
}

#[test]
fn compressed_debug_sections() {
    let Some(gcc) = compiler("gcc") else { return };
    let plain = by_default(&gcc.object("m1.c", &["-O1"])).lines();
    for compression in ["-gz=zlib", "-gz=zlib-gnu"] {
        assert_eq!(by_default(&gcc.object("m1.c", &["-O1", compression])).lines(), plain, "{compression}");
    }
}

#[test]
fn link_time_optimization() {
    let Some(gcc) = compiler("gcc") else { return };
    let outcome = by_default(&gcc.program(&["t1.c", "t2.c"], &["-O1", "-flto"]));
    outcome.kind("STRUCT", "STRUCT ts size=24 { a:int@0 n:*struct ts@64 z:long int@128 }");
}
