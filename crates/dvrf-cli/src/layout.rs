//! The layouts of a run: those that are built in, and the files that the operator names.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::layout::{DEPOSIT_ONLY, FILE_BYTES_MAX, Layout, LayoutDraw, Layouts, MAIN};
use supra_core::target::Target;

use crate::parse::nearest;
use crate::settings::{Settings, variables};

/// Whether a text is the path of a layout file rather than a layout's name.
fn is_path(text: &str) -> bool {
    text.contains('/') || Path::new(text).extension().is_some_and(|end| end == "toml")
}

/// Every layout that this run knows.
pub fn layouts(settings: &Settings) -> Result<Layouts, Error> {
    let mut layouts = Layouts::built_in();
    let files = settings.text(&variables::LAYOUT_FILES).unwrap_or_default();
    for path in files.split(',').map(str::trim).filter(|path| !path.is_empty()) {
        add(&mut layouts, path, settings.source(&variables::LAYOUT_FILES), settings)?;
    }
    if let Some(path) = settings.text(&variables::LAYOUT).filter(|text| is_path(text)) {
        add(&mut layouts, path, settings.source(&variables::LAYOUT), settings)?;
    }
    Ok(layouts)
}

fn add(layouts: &mut Layouts, path: &str, source: &str, settings: &Settings) -> Result<(), Error> {
    let layout = read(path, source, settings)?;
    if [MAIN, DEPOSIT_ONLY].contains(&layout.name()) {
        let message = format!("{}: {} is built in; give the layout another name", quote(path), layout.name());
        return Err(Error::new(FailureKind::Config, message));
    }
    layouts.add(layout);
    Ok(())
}

/// The layout files of a run: each is read and parsed once, however many records are about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayoutFiles(Arc<Mutex<Vec<ParsedFile>>>);

/// A layout file that was read, and what the variables held that it asks for.
#[derive(Debug)]
struct ParsedFile {
    path: String,
    variables: Vec<(String, Option<String>)>,
    layout: Arc<Layout>,
}

impl ParsedFile {
    /// Whether the file would be parsed to the same layout with these settings: a subscription may have other addresses.
    fn holds_for(&self, settings: &Settings) -> bool {
        self.variables.iter().all(|(name, value)| settings.address_variable(name) == *value)
    }
}

/// The layout in a file; `source` names who asked for it.
fn read(path: &str, source: &str, settings: &Settings) -> Result<Arc<Layout>, Error> {
    let mut known = settings.layout_files().0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = known.iter().find(|file| file.path == path && file.holds_for(settings)) {
        return Ok(Arc::clone(&file.layout));
    }
    let variables = RefCell::new(Vec::new());
    let variable = |name: &str| {
        let value = settings.address_variable(name);
        variables.borrow_mut().push((name.to_owned(), value.clone()));
        value
    };
    let layout = Arc::new(parse(path, source, &variable)?);
    let (path, shared) = (path.to_owned(), Arc::clone(&layout));
    known.push(ParsedFile { path, variables: variables.take(), layout: shared });
    Ok(layout)
}

fn parse(path: &str, source: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Layout, Error> {
    let shown = quote(path);
    let wrong = |message: String| Error::new(FailureKind::Config, message);
    let size = fs::metadata(Path::new(path)).map(|file| file.len());
    let size = size.map_err(|error| wrong(format!("{source}: {shown} cannot be read: {error}")))?;
    if size > FILE_BYTES_MAX as u64 {
        return Err(wrong(format!(
            "{source}: {shown} has {size} bytes, a layout has at most {FILE_BYTES_MAX}"
        )));
    }
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| wrong(format!("{source}: {shown} cannot be read: {error}")))?;
    Layout::parse(&text, variable).map_err(|error| {
        let line = error.line.map(|line| format!(":{line}")).unwrap_or_default();
        let known = "dvrf explain layout shows the format";
        wrong(format!("{shown}{line}: {error}")).with_hint(known)
    })
}

/// The name of the layout that the settings choose; `None` where they choose none.
pub fn chosen(settings: &Settings) -> Result<Option<String>, Error> {
    let Some(text) = settings.text(&variables::LAYOUT) else { return Ok(None) };
    if is_path(text) {
        return read(text, settings.source(&variables::LAYOUT), settings)
            .map(|layout| Some(layout.name().to_owned()));
    }
    check_name(text, settings.source(&variables::LAYOUT), settings)?;
    Ok(Some(text.to_owned()))
}

/// Refuses a name that no layout of this run has; `source` names who gave it. The files are read only where no built-in
/// layout has the name.
pub fn check_name(name: &str, source: &str, settings: &Settings) -> Result<(), Error> {
    if Layouts::built_in().names().any(|known| known == name) {
        return Ok(());
    }
    let layouts = layouts(settings)?;
    let known: Vec<&str> = layouts.names().collect();
    if known.contains(&name) {
        return Ok(());
    }
    let message = format!("{source} is {:?}: one of {} is needed", quote(name), known.join(", "));
    let files = "--layout-files (DVRF_LAYOUT_FILES) names the files of further layouts";
    let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean {near}?"));
    Err(Error::new(FailureKind::Config, message).with_hint(near.unwrap_or_else(|| files.to_owned())))
}

/// What the target's layout lets the operator draw; `None` for the lottery `main_v2`, whose draw is code.
///
/// # Errors
/// When the layout has no `[draw]`.
pub fn draw(target: &Target, settings: &Settings) -> Result<Option<LayoutDraw>, Error> {
    let Some(name) = &target.layout else { return Ok(None) };
    let found = layouts(settings)?.get(name).and_then(|layout| LayoutDraw::of(layout, target));
    found.map(Some).ok_or_else(|| no_draw(name))
}

/// Refuses a draw by a layout of the settings that has no `[draw]`.
pub fn refuse_without_draw(settings: &Settings) -> Result<(), Error> {
    let Some(name) = chosen(settings)?.filter(|name| name != MAIN) else { return Ok(()) };
    let known = layouts(settings)?;
    let draw = known.get(&name).and_then(|layout| layout.file().draw.as_ref());
    draw.map(drop).ok_or_else(|| no_draw(&name))
}

fn no_draw(name: &str) -> Error {
    let message = format!("the layout {} has no draw that may be started", quote(name));
    Error::new(FailureKind::Config, message)
        .with_hint("only the lottery main_v2 and layout files with [draw] can be drawn")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "layout = \"dvrf.layout/1\"\nname = \"vault\"\n[address]\nvault = { env = \"VAULT_ADDR\", else = \"consumer\" }\n";

    fn settings(path: &Path, more: &[(&'static str, &str)]) -> Settings {
        let files = [(variables::LAYOUT_FILES.name, path.to_str().unwrap().to_owned())].into_iter();
        Settings::new(files.chain(more.iter().map(|(name, text)| (*name, (*text).to_owned()))).collect())
    }

    /// A file that is gone after it was read once serves the whole run, in the settings that are made from these too.
    #[test]
    fn a_file_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.toml");
        std::fs::write(&path, FILE).unwrap();
        let run = settings(&path, &[]);
        check_name("vault", "layout", &run).unwrap();
        std::fs::remove_file(&path).unwrap();
        for _ in 0..3 {
            check_name("vault", "layout", &run).unwrap();
            assert!(
                layouts(&run.of_network(supra_core::network::Network::Mainnet))
                    .unwrap()
                    .get("vault")
                    .is_some()
            );
        }
        assert_eq!(run.layout_files().0.lock().unwrap().len(), 1);
        let other = check_name("vault", "layout", &settings(&path, &[])).unwrap_err();
        assert!(other.message().contains("cannot be read"), "{}", other.message());
    }

    /// Addresses that the file takes from variables are those of the settings that ask.
    #[test]
    fn another_variable_is_another_layout() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.toml");
        std::fs::write(&path, FILE.replace("VAULT_ADDR", "CLIENT_ADDR")).unwrap();
        let mut run = settings(&path, &[("CLIENT_ADDR", "0x5")]);
        let first = layouts(&run).unwrap();
        run.set_flag(&variables::CLIENT_ADDR, Some("0x6"));
        let second = layouts(&run).unwrap();
        assert_ne!(first.get("vault"), second.get("vault"));
        assert_eq!(run.layout_files().0.lock().unwrap().len(), 2);
    }
}
