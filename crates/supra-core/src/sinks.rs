//! Where bytes go beside stdout: a file that is replaced whole, a server they are pushed to, readers that fetch them.

pub mod exporter;
pub mod push;
pub mod textfile;
