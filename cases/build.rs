//! Tells cargo that the data is part of the crate, so that a new file of cases is seen at once.

fn main() {
    for folder in ["pipe", "profiles"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
