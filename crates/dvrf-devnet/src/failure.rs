//! Why a command of the emulator fails.

use crate::server;
use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Options(#[from] crate::chain::BadOptions),
    #[error(transparent)]
    Serve(#[from] server::ServeError),
    #[error("input or output failed")]
    Io(#[from] io::Error),
    #[error("cannot run `{0}`")]
    Start(String, #[source] io::Error),
}
