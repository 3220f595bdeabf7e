//! The `lgsp` program: hands its arguments to the command line.

use std::process::ExitCode;

/// Small allocations of many threads are most of the work; the system's allocator takes longer for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lgsp::run()
}
