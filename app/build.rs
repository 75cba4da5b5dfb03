//! Names the folder whose files are embedded: `HYPERCARE_SITE_DIR` if set, else `target/site` (made empty when it is missing, so that the server builds
//! without the browser half).

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    if env::var_os("CARGO_FEATURE_SSR").is_none() {
        // The browser half embeds nothing, and must not be built again when the site it is part of changes.
        println!("cargo:rerun-if-changed=build.rs");
        return Ok(());
    }
    println!("cargo:rerun-if-env-changed=HYPERCARE_SITE_DIR");
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let site = env::var_os("HYPERCARE_SITE_DIR").map_or_else(|| manifest.join("../target/site"), PathBuf::from);
    fs::create_dir_all(&site)?;
    let site = site.canonicalize()?;
    println!("cargo:rerun-if-changed={}", site.display());
    println!("cargo:rustc-env=HYPERCARE_SITE_DIR={}", site.display());
    Ok(())
}
