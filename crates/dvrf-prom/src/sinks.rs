//! Where bytes go beside stdout: a file that is replaced whole, a server they are pushed to, readers that fetch them.

pub(crate) mod exporter;
pub(crate) mod push;
pub(crate) mod textfile;
