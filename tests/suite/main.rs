//! The end-to-end suite: one module per tool, `pipeline` for what they do together, `matrix` for every situation on
//! every transport, `manners` for how a Unix process behaves, `tidy` for the house rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calc;
mod chaos;
mod check;
mod deploy;
mod differences;
mod doctor;
mod draw;
mod draw_guard;
mod events_list;
mod flags;
mod fleet;
mod golden;
mod hostile;
mod json;
mod legacy;
mod manners;
mod matrix;
mod notify;
mod notify_real;
mod pipeline;
mod prom;
mod prom_push;
mod prom_real;
mod prom_serve;
mod readme;
mod schema;
mod security;
mod status;
mod tidy;
