//! Copies the files to embed (the shop, the built inspector and the built pixel) to `OUT_DIR`, as far as they exist.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let assets = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("assets");
    if assets.exists() {
        fs::remove_dir_all(&assets)?;
    }
    fs::create_dir_all(&assets)?;

    println!("cargo::rerun-if-changed=build.rs");
    for (name, dir) in [
        ("shop", "../www/shop"),
        ("inspector", "../target/inspector"),
        ("sdk", "../dist"),
    ] {
        copy_if_present(Path::new(dir), &assets.join(name))?;
    }
    Ok(())
}

/// Copies a directory if it exists. Cargo watches it either way, because it may be created later.
fn copy_if_present(from: &Path, to: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", from.display());
    if from.is_dir() {
        copy(from, to)
    } else {
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
