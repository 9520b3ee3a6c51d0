//! Links the unwinder into the tools: a start that need not look for `libgcc_s.so.1` is a tenth of a millisecond shorter.

#![expect(clippy::disallowed_methods, reason = "what is built, and for what, stands in cargo's variables")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key, value| std::env::var(key).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
