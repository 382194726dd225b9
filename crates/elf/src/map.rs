//! A file in memory that somebody may cut while it is read. All unsafe code of this crate is here.
//!
//! Whoever reads a mapped file past a cut gets the signal SIGBUS, which ends the process: for a library in somebody's
//! process that will not do. Reading files instead of mapping them would cost a kernel's size in memory. So, while a file
//! is mapped, there is a handler of SIGBUS: it puts zeros in the place of the pages that are gone and notes that it did,
//! reading goes on, and in the end [`Map::was_cut`] tells that what was read is worth nothing. All other SIGBUS are passed
//! on to the handler that was there before, or end the process as they would have.
//!
//! - A map is read only through shared slices that end before it does, and never written through.
//! - `MAPS` has the address range of each live map, and nothing else: a range is entered when its map is made, and taken
//!   out before it is unmapped. The handler replaces pages in these ranges only.
//! - The handler does what a signal handler may: it reads atomics, and calls `mmap`, `sigaction` and `raise`. It is
//!   installed with the first map and removed with the last, unless somebody has installed another one since.
//!
//! A file that somebody writes into gives other values in one read than in the next. Parsers here check what they have
//! read, not what they read before, so that this gives an error or a wrong result, and [`crate::InputFile::verify`] tells.

#![allow(unsafe_code, reason = "maps files and handles a signal; the contract is above")]

use memmap2::{Advice, Mmap, UncheckedAdvice};
use std::fs::File;
use std::io;
use std::ops::Deref;

/// None from [`Map::of`] means that there are too many maps at once.
#[derive(Debug)]
pub(crate) struct Map {
    // In this order: a range is taken out before it is unmapped.
    guard: guard::Guard,
    map: Mmap,
}

impl Map {
    pub fn of(file: &File) -> io::Result<Option<Map>> {
        // SAFETY: see above; the guard is there before anything is read.
        let map = unsafe { Mmap::map(file) }?;
        Ok(guard::Guard::of(&map).map(|guard| Map { guard, map }))
    }

    /// Whether pages that are gone were read, as zeros.
    pub fn was_cut(&self) -> bool {
        self.guard.was_cut()
    }

    pub fn read_sparingly(&self) {
        // Advice: where the system does not take it, all is as before.
        let _ = self.map.advise(Advice::Random);
    }

    /// Gives back the pages of these bytes, where they are of this map. Whoever reads them again gets them again.
    pub fn give_back(&self, bytes: &[u8]) {
        let start = (bytes.as_ptr() as usize).wrapping_sub(self.map.as_ptr() as usize);
        if start < self.map.len() && bytes.len() <= self.map.len() - start {
            // SAFETY: nothing was written through this map: its pages are the file's, or the handler's zeros, before and
            // after. Pages at the ends count as a whole.
            let _ = unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, bytes.len()) };
        }
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

#[cfg(target_os = "linux")]
mod guard {
    use libc::{c_int, c_void, sigaction, siginfo_t};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use std::sync::{Mutex, PoisonError};
    use std::{mem, ptr};

    /// The range of a map, and whether the handler was needed in it. `start` is 0 where there is none.
    struct Range {
        start: AtomicUsize,
        end: AtomicUsize,
        was_cut: AtomicBool,
    }

    /// Files that can be mapped at once. The handler looks at each.
    const MOST: usize = 1024;

    static MAPS: [Range; MOST] =
        [const { Range { start: AtomicUsize::new(0), end: AtomicUsize::new(0), was_cut: AtomicBool::new(false) } };
            MOST];
    static PAGE: AtomicUsize = AtomicUsize::new(4096);
    /// The handler that was there before, and its flags.
    static BEFORE: (AtomicUsize, AtomicUsize) = (AtomicUsize::new(libc::SIG_DFL), AtomicUsize::new(0));

    /// Maps that are live, and whether the handler is installed.
    static STATE: Mutex<(usize, bool)> = Mutex::new((0, false));

    #[derive(Debug)]
    pub(super) struct Guard(usize);

    impl Guard {
        pub fn of(map: &[u8]) -> Option<Guard> {
            let (live, is_installed) = &mut *STATE.lock().unwrap_or_else(PoisonError::into_inner);
            let index = MAPS.iter().position(|range| range.start.load(SeqCst) == 0)?;
            if !*is_installed {
                install();
                *is_installed = true;
            }
            *live += 1;
            let (range, start) = (&MAPS[index], map.as_ptr() as usize);
            range.was_cut.store(false, SeqCst);
            range.end.store(start + map.len(), SeqCst);
            range.start.store(start, SeqCst);
            Some(Guard(index))
        }

        pub fn was_cut(&self) -> bool {
            MAPS[self.0].was_cut.load(SeqCst)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            let (live, is_installed) = &mut *STATE.lock().unwrap_or_else(PoisonError::into_inner);
            MAPS[self.0].start.store(0, SeqCst);
            *live -= 1;
            if *live == 0 && remove() {
                *is_installed = false;
            }
        }
    }

    fn install() {
        // SAFETY: `before` and `ours` are valid for the calls, and all-zero is a value of theirs.
        unsafe {
            PAGE.store(libc::sysconf(libc::_SC_PAGESIZE) as usize, SeqCst);
            let mut before: sigaction = mem::zeroed();
            libc::sigaction(libc::SIGBUS, ptr::null(), &mut before);
            BEFORE.0.store(before.sa_sigaction, SeqCst);
            BEFORE.1.store(before.sa_flags as usize, SeqCst);
            let mut ours: sigaction = mem::zeroed();
            ours.sa_sigaction = on_signal as *const () as usize;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &ours, ptr::null_mut());
        }
    }

    /// False where another handler stands before ours, which may call it.
    fn remove() -> bool {
        // SAFETY: as in `install`.
        unsafe {
            let mut now: sigaction = mem::zeroed();
            libc::sigaction(libc::SIGBUS, ptr::null(), &mut now);
            if now.sa_sigaction != on_signal as *const () as usize {
                return false;
            }
            let mut before: sigaction = mem::zeroed();
            before.sa_sigaction = BEFORE.0.load(SeqCst);
            before.sa_flags = BEFORE.1.load(SeqCst) as c_int;
            libc::sigaction(libc::SIGBUS, &before, ptr::null_mut());
        }
        true
    }

    extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel hands a valid `info` to a handler with SA_SIGINFO.
        let (address, is_fault) = unsafe { ((*info).si_addr() as usize, (*info).si_code > 0) };
        if !(is_fault && put_zeros(address)) {
            pass_on(signal, info, context, is_fault);
        }
    }

    /// From the page of this address to the end of its map. False where it is in no map of ours.
    fn put_zeros(address: usize) -> bool {
        for range in &MAPS {
            let (start, end) = (range.start.load(SeqCst), range.end.load(SeqCst));
            // Read again: in between another map may have taken the place.
            if start == 0 || !(start..end).contains(&address) || range.start.load(SeqCst) != start {
                continue;
            }
            let page = address & !(PAGE.load(SeqCst) - 1);
            // SAFETY: these pages are of a live map, of which nobody needs more than that they can be read.
            let zeros = unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
                libc::mmap(page as *mut c_void, end - page, libc::PROT_READ, flags, -1, 0)
            };
            range.was_cut.store(true, SeqCst);
            return zeros != libc::MAP_FAILED;
        }
        false
    }

    fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, is_fault: bool) {
        let (handler, flags) = (BEFORE.0.load(SeqCst), BEFORE.1.load(SeqCst) as c_int);
        match handler {
            libc::SIG_IGN if !is_fault => {}
            // The kernel does not let a fault be ignored. It comes again when the handler returns.
            libc::SIG_DFL | libc::SIG_IGN => {
                // SAFETY: as in `install`.
                unsafe {
                    let default: sigaction = mem::zeroed();
                    libc::sigaction(signal, &default, ptr::null_mut());
                    if !is_fault {
                        libc::raise(signal);
                    }
                }
            }
            // SAFETY: whoever installed the handler said by this flag which of the two it is.
            _ if flags & libc::SA_SIGINFO != 0 => unsafe {
                mem::transmute::<usize, extern "C" fn(c_int, *mut siginfo_t, *mut c_void)>(handler)(
                    signal, info, context,
                );
            },
            // SAFETY: the same.
            _ => unsafe { mem::transmute::<usize, extern "C" fn(c_int)>(handler)(signal) },
        }
    }
}

/// Elsewhere a file that is cut ends the process, as it does with every tool that maps its input.
#[cfg(not(target_os = "linux"))]
mod guard {
    #[derive(Debug)]
    pub(super) struct Guard;

    impl Guard {
        pub fn of(_: &[u8]) -> Option<Guard> {
            Some(Guard)
        }

        pub fn was_cut(&self) -> bool {
            false
        }
    }
}
