//! `#[needs("jq", "faketime")]`: a test that runs programs of the system declares them; without them it is left out.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Declares the programs that a test needs, by their names in `tests/requirements.txt`.
///
/// Where one is missing, the test returns early and is listed as left out; in CI it fails. A test that starts a program
/// which it has not declared fails everywhere (`testkit::requirements`).
#[proc_macro_attribute]
pub fn needs(programs: TokenStream, test: TokenStream) -> TokenStream {
    let guard: TokenStream =
        format!("if !::testkit::requirements::ready(module_path!(), line!(), &[{programs}]) {{ return; }}")
            .parse()
            .unwrap_or_default();
    let mut tokens: Vec<TokenTree> = test.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.pop().filter(is_body) {
        let guarded = Group::new(Delimiter::Brace, guard.into_iter().chain(body.stream()).collect());
        tokens.push(TokenTree::Group(guarded));
        return tokens.into_iter().collect();
    }
    "compile_error!(\"#[needs] belongs on a function\");".parse().unwrap_or_default()
}

fn is_body(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}
