//! The `hypercare` binary: the backend with the control room mounted on it.

// Its `malloc` takes the place of the system's, which Rust asks by default as C does. Asked by itself it is told an alignment each time, and takes the long
// way for every size that is no power of two (mimalloc 3, `mi_malloc_is_naturally_aligned`).
use mimalloc as _;

fn main() -> std::process::ExitCode {
    hypercare::server::command::main(hypercare_app::pages::router)
}
