//! The `hypercare` binary: the backend with the control room mounted on it.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    hypercare::server::command::main(hypercare_app::pages::router)
}
