//! What fuzz targets have in common.

#![forbid(unsafe_code)]

/// From now on, what is done on all threads is done on this one: handing short work to others and waiting for it takes
/// longer than the work.
pub fn on_one_thread() {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().expect("nothing was done before");
}
