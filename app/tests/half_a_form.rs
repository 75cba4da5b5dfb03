//! A page's form of which half comes, and then nothing.
#![cfg(all(feature = "ssr", target_os = "linux"))]

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the server waits for the rest.
const IDLE: Duration = Duration::from_millis(300);

/// A server with a folder of its own, gone with it.
struct Server {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Server {
    fn start() -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = std::env::temp_dir().join(format!("hypercare-half-{}", std::process::id()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_hypercare"));
        command.arg("serve").env("HYPERCARE_LISTEN", address.to_string()).env("HYPERCARE_DATA_DIR", &folder);
        command.env("HYPERCARE_REQUEST_IDLE_MS", IDLE.as_millis().to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { process: command.spawn()?, folder, address };
        let began = Instant::now();
        while !server.ask("GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").is_ok_and(|said| said.contains("200 OK")) {
            if began.elapsed() > Duration::from_mins(1) {
                return Err(io::Error::other("the server does not get ready"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// What it says until it closes the connection; an error when it leaves it open.
    fn ask(&self, bytes: &str) -> io::Result<String> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.write_all(bytes.as_bytes())?;
        let mut said = String::new();
        socket.read_to_string(&mut said)?;
        Ok(said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[test]
fn who_sends_half_a_form_is_answered_and_let_go() -> io::Result<()> {
    let server = Server::start()?;
    for path in ["/login", "/setup"] {
        let began = Instant::now();
        let said = server.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: 2000\r\n\r\nemail=a%40shop.example&pass"
        ))?;
        assert!(said.starts_with("HTTP/1.1 422"), "{path}: {said}");
        // A page in plain words, not a line from a library.
        assert!(said.contains("This could not be read") && said.contains("did not arrive whole"), "{path}: {said}");
        assert!((IDLE..20 * IDLE).contains(&began.elapsed()), "{path} after {:?}: {said}", began.elapsed());
    }
    Ok(())
}
