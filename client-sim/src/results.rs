//! What is made of what was measured: a table, a file, a comparison, verdicts.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tidelock_sim::measure::{Comparison, Run, Summary};
use tidelock_sim::report;
use tidelock_sim::tell::{Ink, render, render_comparison};

use crate::cli::ResultFlags;
use crate::unless_nobody_reads;

/// What was asked for, with all that can be known to be wrong before a run.
pub(crate) struct Results<'a> {
    flags: &'a ResultFlags,
    /// The text of `--baseline`.
    baseline: Option<(&'a Path, String)>,
}

/// A file that was given is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub(crate) struct BadFile {
    path: PathBuf,
    why: Box<dyn Error + Send + Sync>,
}

impl BadFile {
    pub(crate) fn new<E: Into<Box<dyn Error + Send + Sync>>>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |why| Self { path, why: why.into() }
    }
}

/// A file that is to be written after a run has to have somewhere to be.
pub(crate) fn check_folder(file: &Path) -> Result<(), BadFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(BadFile::new(file)(format!("there is no folder {}", folder.display())));
    }
    if file.is_dir() { Err(BadFile::new(file)("it is a folder")) } else { Ok(()) }
}

impl<'a> Results<'a> {
    /// Reads what is to be read, and sees whether it makes sense.
    pub(crate) fn prepare(flags: &'a ResultFlags) -> Result<Self, BadFile> {
        let baseline = flags.baseline.as_deref().map(|path| {
            let text = fs::read_to_string(path).map_err(BadFile::new(path))?;
            Comparison::with_file(&Summary::default(), &text).map_err(BadFile::new(path))?;
            Ok((path, text))
        });
        [&flags.summary_json, &flags.report].into_iter().flatten().try_for_each(|file| check_folder(file))?;
        Ok(Self { flags, baseline: baseline.transpose()? })
    }

    /// Tells, and says whether all thresholds hold.
    pub(crate) fn tell(&self, run: &Run) -> anyhow::Result<bool> {
        let mut summary = run.summary();
        summary.thresholds = self.flags.thresholds.iter().map(|threshold| threshold.check(&summary)).collect();
        self.print(&summary).context("writing the report")?;
        if let Some(file) = &self.flags.summary_json {
            fs::write(file, summary.to_file(run)).with_context(|| format!("writing {}", file.display()))?;
        }
        if let Some(file) = &self.flags.report {
            fs::write(file, report::page(run, &summary)).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(summary.thresholds.iter().all(|result| result.ok))
    }

    fn print(&self, summary: &Summary) -> anyhow::Result<()> {
        let mut stdout = io::stdout();
        let is_inked = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let ink = if is_inked { Ink::Terminal } else { Ink::Plain };
        let mut text = render(summary, ink);
        if let Some((path, file)) = &self.baseline {
            let comparison = Comparison::with_file(summary, file)?;
            text.push_str(&render_comparison(&comparison, &path.display().to_string(), ink));
        }
        Ok(unless_nobody_reads(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))?)
    }
}
