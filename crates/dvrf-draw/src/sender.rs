//! How draws are sent, from flags and settings.

use crate::args::DrawArgs;
use dvrf_cli::parse::{bad, parsed};
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::submit;
use supra_core::error::Error;
use supra_core::layout::{LayoutDraw, lottery};
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

fn manual_draw(target: &Target) -> Result<FunctionId, Error> {
    let address = Settings::needed(target.lottery, &variables::LOTTERY_ADDR)?;
    Ok(FunctionId { address, module: target.lottery_module.clone(), name: lottery().draw.to_owned() })
}

/// The sender, and the CLI's arguments for a draw.
pub(crate) fn sender(
    args: &DrawArgs,
    target: &Target,
    layout: Option<&LayoutDraw>,
    settings: &Settings,
) -> Result<(CliSender, RunWords), Error> {
    let (function, arguments) = match layout {
        Some(draw) => {
            args.refuse_of_lottery(draw, settings)?;
            (draw.function()?, draw.arguments()?)
        }
        None => (function(settings)?.map_or_else(|| manual_draw(target), Ok)?, Vec::new()),
    };
    let (sender, words) = submit::sender(function, arguments, args.confirm.assume_yes, settings)?;
    if args.confirm.simulate_first && words.generation < Generation::V11 {
        return Err(bad("--simulate-first", "yes", "only a CLI of v11 or later simulates"));
    }
    Ok((sender, words))
}
