//! How draws are sent, from flags and settings.

use crate::args::DrawArgs;
use dvrf_cli::layout::refuse_draw;
use dvrf_cli::parse::{bad, parsed};
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::submit;
use supra_core::error::Error;
use supra_core::submit::command::RunWords;
use supra_core::submit::sender::CliSender;
use supra_core::target::Target;
use supra_core::transport::cli::Generation;
use supra_core::view::FunctionId;

/// The entry function that the settings name.
pub(crate) fn function(settings: &Settings) -> Result<Option<FunctionId>, Error> {
    let source = settings.source(&variables::FUNCTION_ID);
    settings.text(&variables::FUNCTION_ID).map(|text| parsed(source, text)).transpose()
}

/// The sender, and the CLI's arguments for a draw.
pub(crate) fn sender(
    args: &DrawArgs,
    target: &Target,
    settings: &Settings,
) -> Result<(CliSender, RunWords), Error> {
    refuse_draw(settings)?;
    let lottery = Settings::needed(target.lottery, &variables::LOTTERY_ADDR)?;
    let manual_draw = || FunctionId {
        address: lottery,
        module: target.lottery_module.clone(),
        name: "manual_draw".to_owned(),
    };
    let function = function(settings)?.unwrap_or_else(manual_draw);
    let (sender, words) = submit::sender(function, Vec::new(), args.confirm.assume_yes, settings)?;
    if args.confirm.simulate_first && words.generation < Generation::V11 {
        return Err(bad("--simulate-first", "yes", "only a CLI of v11 or later simulates"));
    }
    Ok((sender, words))
}
