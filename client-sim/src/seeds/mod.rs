//! Many universes, one for each seed, on all cores: what comes of them, in order.

mod batch;
mod list;
mod report;
mod trial;

pub use batch::run;
pub use list::{ListError, read_list};
pub use report::{Totals, line, repeat};
pub use trial::{Judged, Trial, Verdict};
