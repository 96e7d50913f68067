use super::options::OptionsError;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tidelock::ClientId;

/// The file of client ids that may not join: one a line, comments after `#`.
#[derive(Clone, Debug)]
pub(crate) struct BanFile {
    path: PathBuf,
    banned: Vec<ClientId>,
}

impl BanFile {
    /// Reads the file; one that does not exist yet bans nobody.
    pub(crate) fn read(path: &Path) -> Result<Self, OptionsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound && has_directory(path) => String::new(),
            Err(why) => return Err(OptionsError::file("ban-file", path, &why)),
        };
        let mut banned = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let id = line.split('#').next().unwrap_or_default().trim();
            if !id.is_empty() {
                let wrong =
                    |_| OptionsError::refused("ban-file", path, &format!("line {}: `{id}` is no client id", i + 1));
                banned.push(ClientId(id.parse().map_err(wrong)?));
            }
        }
        Ok(Self { path: path.to_owned(), banned })
    }

    /// Who was banned when the file was read.
    pub(crate) fn banned(&self) -> Vec<ClientId> {
        self.banned.clone()
    }

    /// Adds a client to the file, unless it is there. Appends, as a file mounted by itself cannot be replaced.
    pub(crate) fn add(&mut self, client_id: ClientId) -> io::Result<()> {
        if self.banned.contains(&client_id) {
            return Ok(());
        }
        let ends_in_line = std::fs::read(&self.path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
        let line = format!("{}{client_id}\n", if ends_in_line { "\n" } else { "" });
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        self.banned.push(client_id);
        Ok(())
    }
}

fn has_directory(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.as_os_str().is_empty() || parent.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("tidelock-bans-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn bans_survive_in_a_file_that_people_edit() {
        let directory = scratch("edit");
        let path = directory.join("bans");
        std::fs::write(&path, "# cheaters\n7 # aimbot\n\n 8").unwrap();
        let mut bans = BanFile::read(&path).unwrap();
        assert_eq!(bans.banned(), [ClientId(7), ClientId(8)]);
        bans.add(ClientId(9)).unwrap();
        bans.add(ClientId(9)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# cheaters\n7 # aimbot\n\n 8\n9\n");
        assert_eq!(BanFile::read(&path).unwrap().banned(), [ClientId(7), ClientId(8), ClientId(9)]);
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_that_does_not_exist_is_made_by_the_first_ban() {
        let directory = scratch("new");
        let mut bans = BanFile::read(&directory.join("bans")).unwrap();
        assert_eq!(bans.banned(), []);
        bans.add(ClientId(1)).unwrap();
        assert_eq!(BanFile::read(&directory.join("bans")).unwrap().banned(), [ClientId(1)]);
        assert!(BanFile::read(&directory.join("missing").join("bans")).is_err());
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_line_that_is_no_id_is_named() {
        let directory = scratch("wrong");
        std::fs::write(directory.join("bans"), "1\nbob\n").unwrap();
        let error = BanFile::read(&directory.join("bans")).unwrap_err().to_string();
        assert!(error.ends_with("line 2: `bob` is no client id"), "{error}");
        std::fs::remove_dir_all(directory).unwrap();
    }
}
