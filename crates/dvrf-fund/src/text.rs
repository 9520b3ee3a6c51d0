//! What is missing, for people.

use dvrf_cli::card::{Layout, abbreviated, remedy_steps};
use dvrf_cli::text::plain;
use supra_core::fund::Funding;

/// The lines of a card below the deposit: labels and texts.
pub(crate) fn lines(funding: &Funding, layout: &Layout) -> Vec<(String, String)> {
    let lang = layout.lang;
    let shown = |text: &str| if layout.verbose { plain(text) } else { abbreviated(&plain(text)) };
    let mut lines = Vec::new();
    let missing = match (funding.missing, funding.amount.zip(funding.target)) {
        (None, _) => lang.pick("not known", "неизвестно"),
        (Some(false), _) => lang.pick("nothing", "ничего"),
        (Some(true), None) => return lines,
        (Some(true), Some((amount, target))) => lang.pick(
            format!("{} SUPRA to reach {}", amount.supra(), target.supra()),
            format!("{} SUPRA до {}", amount.supra(), target.supra()),
        ),
    };
    lines.push((lang.pick("missing", "нужно"), missing));
    if let Some((signer, balance)) = funding.signer.zip(funding.signer_balance) {
        let (who, supra) = (shown(&signer.to_string()), balance.supra());
        let enough = match funding.payable {
            Some(false) => lang.pick("not enough", "не хватает"),
            _ => lang.pick("enough", "хватает"),
        };
        let text = lang
            .pick(format!("{who} has {supra} SUPRA: {enough}"), format!("{who}: {supra} SUPRA, {enough}"));
        lines.push((lang.pick("signer", "подпись"), text));
    }
    let mut against: Vec<String> = funding.reasons.iter().map(|reason| plain(&reason.message)).collect();
    if (funding.missing, funding.low) == (Some(true), Some(false)) {
        against.insert(0, lang.pick("the deposit is not low", "депозит ещё не низкий"));
    }
    if !against.is_empty() {
        let nothing = lang.pick("--execute would send nothing: ", "--execute ничего не отправит: ");
        lines.push((lang.pick("but", "но"), nothing + &against.join("\n")));
    }
    if let Some(remedy) = &funding.remedy {
        lines.push((lang.pick("do", "сделать"), remedy_steps(remedy, layout)));
    }
    lines
}
