//! The house rules that a compiler does not know: module sentences, file lengths, no trace of a machine.

use std::fs;
use std::path::{Path, PathBuf};

use dvrf_cli::settings::variables;
use supra_core::collect::resolve::candidates;
use supra_core::view::catalogue::CATALOGUE;
use testkit::root;

pub(crate) fn files(under: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target" && name != "seeds") {
                    walk(&path, ending, found);
                }
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(under), ending, &mut found);
    assert!(!found.is_empty(), "no {ending} files under {under}");
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The code of a file before its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn is_test(path: &Path) -> bool {
    let text = shown(path);
    text.starts_with("tests/") || text.ends_with("/tests.rs") || text.contains("/tests/")
}

#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn sources() -> Vec<PathBuf> {
    [files("crates", ".rs"), files("tests", ".rs")].concat()
}

#[test]
fn every_module_says_what_it_decides() {
    let silent = sources().into_iter().filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! "));
    none(&silent.map(|path| format!("{}: begins without a //! sentence", shown(&path))).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let mut problems = Vec::new();
    for path in sources() {
        let most = if is_test(&path) { 700 } else { 400 };
        let lines = code(&path).lines().count();
        if lines > most {
            problems.push(format!("{}: {lines} lines, at most {most} before its tests", shown(&path)));
        }
    }
    none(&problems);
}

#[test]
fn drawers_have_names() {
    let drawers =
        ["utils.rs", "util.rs", "helpers.rs", "common.rs", "types.rs", "models.rs", "constants.rs", "mod.rs"];
    let named = sources().into_iter().filter(|path| drawers.iter().any(|name| path.ends_with(name)));
    none(&named.map(|path| format!("{}: name the idea, not the drawer", shown(&path))).collect::<Vec<_>>());
}

#[test]
fn nothing_unwraps_or_waits_for_later() {
    let banned = [
        ".unwrap()",
        ".expect(",
        "panic!(",
        "todo!(",
        "unimplemented!(",
        "dbg!(",
        "FIXME",
        "XXX",
        "#[allow(",
    ];
    let mut problems = Vec::new();
    for path in files("crates", ".rs").into_iter().filter(|path| !is_test(path)) {
        for (number, line) in code(&path).lines().enumerate() {
            if let Some(word) = banned.iter().find(|word| line.contains(**word)) {
                problems.push(format!("{}:{}: {word}", shown(&path), number + 1));
            }
        }
    }
    none(&problems);
}

#[test]
fn no_trace_of_a_machine() {
    // Written in two parts so that this file does not match itself.
    let traces = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let mut problems = Vec::new();
    for folder in ["crates", "tests", "docs", "env", "scripts"] {
        for path in files(folder, "") {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for trace in traces.iter().filter(|trace| text.contains(**trace)) {
                problems.push(format!("{}: contains {trace}", shown(&path)));
            }
        }
    }
    none(&problems);
}

#[test]
fn every_crate_inherits_lints_and_versions() {
    let mut problems = Vec::new();
    for path in files("crates", "Cargo.toml") {
        let text = fs::read_to_string(&path).unwrap();
        if !text.contains("[lints]\nworkspace = true") {
            problems.push(format!("{}: does not inherit the lints", shown(&path)));
        }
        let dependencies = text.split("dependencies]").skip(1);
        for line in dependencies.flat_map(|section| section.split("\n[").next().unwrap_or("").lines()) {
            if line.contains('=') && !line.contains("workspace = true") {
                problems.push(format!("{}: `{line}` has a version of its own", shown(&path)));
            }
        }
    }
    none(&problems);
}

/// The variables of an example file, in order, with what is between the quotes after the `=`.
fn example(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("env").join(file)).unwrap();
    let lines = text.lines().map(|line| line.trim_start_matches('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let named = pairs.filter(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    });
    let unquoted = |value: &str| {
        let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        inner.unwrap_or_else(|| panic!("env/{file}: {value} is not between single quotes")).to_owned()
    };
    named.map(|(name, value)| (name.to_owned(), unquoted(value))).collect()
}

#[test]
fn example_files_list_the_table_of_variables() {
    let table: Vec<&str> = variables::ALL
        .iter()
        .filter(|variable| variable.group != "Set by the system")
        .map(|variable| variable.name)
        .collect();
    for file in ["testnet.env.example", "mainnet.env.example"] {
        let names: Vec<String> = example(file).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, table, "env/{file}");
        let text = fs::read_to_string(root().join("env").join(file)).unwrap();
        for variable in variables::ALL.iter().filter(|variable| variable.group != "Set by the system") {
            assert!(text.contains(variable.meaning), "env/{file}: the meaning of {} differs", variable.name);
        }
        for (name, value) in example(file) {
            let variable = variables::ALL.iter().find(|variable| variable.name == name).unwrap();
            if let Some(default) = variable.default {
                assert_eq!(value, default, "env/{file}: {name}");
            }
        }
    }
}

#[test]
fn the_record_page_lists_every_value_and_function() {
    let page = fs::read_to_string(root().join("docs/reference/record.md")).unwrap();
    let mut problems = Vec::new();
    for entry in CATALOGUE {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", entry.key)));
        let functions = candidates(entry).iter().filter_map(|candidate| candidate.function());
        let names = functions.map(|(name, _)| name);
        let missing = names.filter(|name| !row.is_some_and(|row| row.contains(&format!("`{name}`"))));
        problems.extend(missing.map(|name| format!("docs/reference/record.md: {} lacks {name}", entry.key)));
        if row.is_none() {
            problems.push(format!("docs/reference/record.md: {} is missing", entry.key));
        }
    }
    none(&problems);
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut problems = Vec::new();
    let pages = files("docs", ".md").into_iter().chain([root().join("README.md")]);
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let has_anchor = |text: String| anchors(&text).iter().any(|found| found == anchor);
            if !target.exists() || (!anchor.is_empty() && !fs::read_to_string(&target).is_ok_and(has_anchor))
            {
                problems.push(format!("{}: {link}", shown(&page)));
            }
        }
    }
    none(&problems);
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let titles = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"));
    let kept = |c: &char| c.is_alphanumeric() || "-_".contains(*c);
    titles.map(|title| title.chars().filter(kept).collect()).collect()
}

#[test]
fn the_index_links_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    let pages = files("docs", ".md").into_iter().filter(|path| !path.ends_with("docs/README.md"));
    let names = pages.map(|path| path.strip_prefix(root().join("docs")).unwrap().display().to_string());
    let missing: Vec<String> = names.filter(|name| !index.contains(&format!("]({name})"))).collect();
    none(&missing.iter().map(|name| format!("docs/README.md: no link to {name}")).collect::<Vec<_>>());
}
