//! Makes cargo compile the program again when the pixel, which it contains, was built again.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../dist");
}
