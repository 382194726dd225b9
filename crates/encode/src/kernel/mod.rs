//! A whole kernel: its modules, thousands of them, each as split BTF on one base.
//!
//! | Room | What it does |
//! |---|---|
//! | `options` | what is asked for |
//! | `listing` | which modules there are, in which order |
//! | `resume` | what earlier runs have done already |
//! | `ahead` | a vmlinux that is begun while modules are looked for |
//! | `base` | the base, made or read once and shared |
//! | `schedule` | who encodes which module next |
//! | `one` | a module, from its file to its BTF's |
//! | `run` | all of it, on all threads |
//! | `outbox` | results, in order, on their way to who reads them |
//! | `stream` | a run whose results are read while it goes on |
//!
//! What is held at once is what the threads work on, the base, and results that nobody has read yet, which are bounded.

mod ahead;
mod base;
mod listing;
mod one;
mod options;
mod outbox;
mod report;
mod resume;
mod run;
mod schedule;
mod stamp;
mod stream;

pub use listing::modules;
pub use options::{BaseFrom, Destination, KernelOptions, MissingBase, NoShard, Shard};
pub use outbox::Batch;
pub use report::{BaseReport, Failure, Kept, ModuleReport, Progress, Size, Status, Summary};
pub use stream::KernelRun;
