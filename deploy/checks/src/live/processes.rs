//! Processes and files that are gone afterwards.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process, killed when this is dropped.
pub(super) struct Process(Child);

impl Process {
    /// Starts it; what it says is in a file of the folder.
    pub(super) fn start(mut command: Command, name: &str, folder: &Folder) -> Result<Self, String> {
        let log = folder.path(&format!("{name}.log"));
        let log = File::create(&log).map_err(|why| format!("{} cannot be written: {why}", log.display()))?;
        let also = log.try_clone().map_err(|why| format!("a log cannot be shared: {why}"))?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(also).spawn();
        child.map(Self).map_err(|why| format!("the {name} does not start: {why}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of this process's own, removed when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("tidelock-deploy-checks-{}", std::process::id()));
        fs::create_dir(&path).map_err(|why| format!("{} cannot be made: {why}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.path(name);
        write(&path, text).map(|()| path)
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|why| format!("{} cannot be written: {why}", path.display()))
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|why| format!("there is no free port: {why}"))
}

#[expect(clippy::disallowed_methods, reason = "this waits for processes")]
pub(super) fn sleep(time: Duration) {
    std::thread::sleep(time);
}
