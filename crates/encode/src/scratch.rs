//! What is made once for many files.

use crate::{Base, EncodeError, jobs};
use btfkit_btf::dedup::{Classifier, TypeGraph};
use btfkit_dwarf::Room;
use rayon::ThreadPool;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a thread keeps from one module to the next: without it, each module would make its own tables, as large as the
/// base's, and threads.
pub struct Scratch {
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) spare: Spare,
}

impl Scratch {
    /// With a thread of its own; `path` is how an error names what could not be begun. Whatever the encoder does on all
    /// threads of a pool, it does on this one.
    pub fn new(path: &Path) -> Result<Scratch, EncodeError> {
        Ok(Scratch { pool: Arc::new(jobs::pool(path, 1)?), spare: Spare::default() })
    }

    /// Without one, for a thread that does nothing else and has no other: handing a small file to another thread takes
    /// longer than encoding it. What rayon needs for that (7 KB) it never gives back.
    pub fn of_this_thread(path: &Path) -> Result<Scratch, EncodeError> {
        Ok(Scratch { pool: Arc::new(jobs::pool_of_this_thread(path)?), spare: Spare::default() })
    }

    /// Does `work` for each of them, all at the same time, each on its own thread.
    pub(crate) fn all_at_once<T: Send>(all: &mut [Scratch], work: impl Fn(usize, &mut Scratch) -> T + Sync) -> Vec<T> {
        let mut results: Vec<Option<T>> = all.iter().map(|_| None).collect();
        begin(all, &mut results, 0, &work);
        results.into_iter().flatten().collect()
    }
}

/// Begins the work of the first, and of those behind it; then waits for it.
fn begin<T: Send>(
    all: &mut [Scratch],
    results: &mut [Option<T>],
    number: usize,
    work: &(impl Fn(usize, &mut Scratch) -> T + Sync),
) {
    let (Some((scratch, all)), Some((result, results))) = (all.split_first_mut(), results.split_first_mut()) else {
        return;
    };
    let pool = Arc::clone(&scratch.pool);
    pool.in_place_scope(|scope| {
        scope.spawn(|_| *result = Some(work(number, scratch)));
        begin(all, results, number + 1, work);
    });
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

    /// Takes the room of a graph that is done with for the next one.
    pub fn recycle(&self, mut graph: TypeGraph) {
        if let Some(classifier) = self.classifiers.lock().expect("nothing panics while it is held").last_mut() {
            classifier.recycle(&mut graph);
        }
        jobs::drop_beside(graph);
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
