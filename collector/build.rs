//! Gathers what the program carries: the shop, the built inspector, and the built pixel, as far as they are there.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let pages = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("pages");
    if pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    fs::create_dir_all(&pages)?;

    println!("cargo::rerun-if-changed=build.rs");
    for (name, folder) in [
        ("shop", "../www/shop"),
        ("inspector", "../target/inspector"),
        ("sdk", "../dist"),
    ] {
        take(Path::new(folder), &pages.join(name))?;
    }
    Ok(())
}

/// A folder, where there is one. What is not there may come later, so cargo is told of it all the same.
fn take(from: &Path, to: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", from.display());
    if from.is_dir() {
        copy(from, to)
    } else {
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy(&file.path(), &to)?;
        } else {
            fs::copy(file.path(), to)?;
        }
    }
    Ok(())
}
