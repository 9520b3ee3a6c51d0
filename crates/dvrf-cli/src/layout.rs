//! The layouts of a run: those that are built in, and the files that the operator names.

use std::fs;
use std::path::Path;

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
        let message =
            format!("{}: {} is read by code; give the layout another name", quote(path), layout.name());
        return Err(Error::new(FailureKind::Config, message));
    }
    layouts.add(layout);
    Ok(())
}

/// Reads a layout file; `source` names who asked for it.
pub fn read(path: &str, source: &str, settings: &Settings) -> Result<Layout, Error> {
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
    Layout::parse(&text, &|name| settings.address_variable(name)).map_err(|error| {
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
