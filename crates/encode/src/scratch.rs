//! What is made once for many files.

use crate::{Base, EncodeError};
use btfkit_btf::dedup::Classifier;
use btfkit_dwarf::Room;
use std::sync::{Arc, Mutex};

/// What a thread keeps from one module to the next: without it, each module would make its own tables, as large as the
/// base's, and threads. It belongs to the thread that has made it.
pub struct Scratch {
    pub(crate) pool: rayon::ThreadPool,
    pub(crate) spare: Spare,
}

impl Scratch {
    /// For the thread that calls this, which must not be one of a rayon pool. Whatever the encoder does on all threads
    /// of a pool, it does on this one then.
    pub fn new() -> Result<Scratch, EncodeError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        let pool = pool.map_err(|error| {
            let message = format!("a thread cannot be made ready for encoding ({error})");
            EncodeError { code: "INTERNAL", message }
        })?;
        Ok(Scratch { pool, spare: Spare::default() })
    }
}

/// What has done its work for one file and is ready for more.
#[derive(Default)]
pub(crate) struct Spare {
    classifiers: Mutex<Vec<Classifier>>,
    rooms: Mutex<Vec<Room>>,
}

impl Spare {
    pub fn classifier(&self, number: u32, base: Option<&Base>) -> Classifier {
        let Some(base) = base else { return Classifier::new(number) };
        let mut spare = self.classifiers.lock().expect("nothing panics while it is held");
        match spare.pop().filter(|classifier| classifier.is_on(base.types())) {
            Some(classifier) => classifier.numbered(number),
            None => Classifier::on(number, Arc::clone(base.types())),
        }
    }

    pub fn give_back(&self, classifiers: Vec<Classifier>) {
        self.classifiers.lock().expect("nothing panics while it is held").extend(classifiers);
    }

    /// Lets go of everything.
    pub fn empty(&self) {
        self.classifiers.lock().expect("nothing panics while it is held").clear();
        self.rooms.lock().expect("nothing panics while it is held").clear();
    }

    pub fn room(&self) -> Room {
        self.rooms.lock().expect("nothing panics while it is held").pop().unwrap_or_default()
    }

    pub fn give_back_room(&self, room: Room) {
        self.rooms.lock().expect("nothing panics while it is held").push(room);
    }
}
