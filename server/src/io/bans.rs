use super::options::{Number, OptionsError};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tidelock::ClientId;

/// The file of client ids that may not join: one a line, comments after `#`, and `!` before an id lifts the bans of it
/// that stand above.
///
/// Changes are appended and nothing else is touched: a file that is mounted by itself cannot be replaced, and what
/// people wrote into it stays. What it says is read anew for each change, as they may have edited it since.
#[derive(Clone, Debug)]
pub(crate) struct BanFile {
    path: PathBuf,
    banned: BTreeSet<ClientId>,
}

impl BanFile {
    /// Reads the file; one that does not exist yet bans nobody.
    pub(crate) fn read(path: &Path) -> Result<Self, OptionsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound && has_directory(path) => String::new(),
            Err(why) => return Err(OptionsError::file("ban-file", path, &why)),
        };
        let mut banned = BTreeSet::new();
        for (i, line) in text.lines().enumerate() {
            let refused =
                |id| OptionsError::refused("ban-file", path, &format!("line {}: `{id}` is no client id", i + 1));
            match Entry::parse(line).map_err(refused)? {
                Some(Entry { client_id, banned: true }) => _ = banned.insert(client_id),
                Some(Entry { client_id, banned: false }) => _ = banned.remove(&client_id),
                None => {}
            }
        }
        Ok(Self { path: path.to_owned(), banned })
    }

    /// Who was banned when the file was read.
    pub(crate) fn banned(&self) -> impl Iterator<Item = ClientId> {
        self.banned.iter().copied()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a ban could be kept. Makes the file if there is none.
    pub(crate) fn try_write(&self) -> io::Result<()> {
        self.open().map(drop)
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(&self.path)
    }

    /// Bans a client in the file. False if it was banned there.
    pub(crate) fn add(&self, client_id: ClientId) -> io::Result<bool> {
        self.put(Entry { client_id, banned: true })
    }

    /// Lifts the ban of a client in the file. False if it was not banned there.
    pub(crate) fn lift(&self, client_id: ClientId) -> io::Result<bool> {
        self.put(Entry { client_id, banned: false })
    }

    /// Appends a line, unless the file says so already.
    fn put(&self, entry: Entry) -> io::Result<bool> {
        let bytes = match std::fs::read(&self.path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let text = String::from_utf8_lossy(&bytes);
        let entries = text.lines().filter_map(|line| Entry::parse(line).ok().flatten());
        let last = entries.rev().find(|earlier| earlier.client_id == entry.client_id);
        if last.is_some_and(|last| last.banned) == entry.banned {
            return Ok(false);
        }
        let ends_in_line = bytes.last().is_some_and(|last| *last != b'\n');
        let before = if ends_in_line { "\n" } else { "" };
        let lift = if entry.banned { "" } else { "!" };
        append(&self.open()?, &format!("{before}{lift}{}\n", entry.client_id))?;
        Ok(true)
    }
}

/// One line of the file.
#[derive(Clone, Copy)]
struct Entry {
    client_id: ClientId,
    /// Otherwise it lifts a ban.
    banned: bool,
}

impl Entry {
    /// `None` for a line of nothing but a comment; what is no client id for one that is wrong.
    fn parse(line: &str) -> Result<Option<Self>, &str> {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if entry.is_empty() {
            return Ok(None);
        }
        let lifted = entry.strip_prefix('!').map(str::trim_start);
        let Number(id) = lifted.unwrap_or(entry).parse().map_err(|_| entry)?;
        Ok(Some(Self { client_id: ClientId(id), banned: lifted.is_none() }))
    }
}

/// All of it or nothing: part of a line, as far as the disk had room, could be the id of somebody else.
fn append(mut file: &File, line: &str) -> io::Result<()> {
    let bytes = file.metadata()?.len();
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).inspect_err(|_| {
        // What was wrong before is what the caller is told.
        let _ = file.set_len(bytes);
    })
}

fn has_directory(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.as_os_str().is_empty() || parent.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own for each test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let directory = std::env::temp_dir().join(format!("tidelock-bans-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&directory).unwrap();
            Self(directory)
        }

        /// A ban file of this text.
        fn bans(&self, text: &str) -> Result<BanFile, OptionsError> {
            std::fs::write(self.path(), text).unwrap();
            BanFile::read(&self.path())
        }

        fn path(&self) -> PathBuf {
            self.0.join("bans")
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.path()).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn ids(bans: &BanFile) -> Vec<u64> {
        bans.banned().map(|client_id| client_id.0).collect()
    }

    #[test]
    fn bans_survive_in_a_file_that_people_edit() {
        let scratch = Scratch::new("edit");
        let bans = scratch.bans("# cheaters\r\n7 # aimbot\n\n 8").unwrap();
        assert_eq!(ids(&bans), [7, 8]);
        assert!(bans.add(ClientId(9)).unwrap());
        assert!(!bans.add(ClientId(9)).unwrap());
        assert_eq!(scratch.text(), "# cheaters\r\n7 # aimbot\n\n 8\n9\n");
        assert_eq!(ids(&BanFile::read(&scratch.path()).unwrap()), [7, 8, 9]);
    }

    #[test]
    fn a_ban_is_lifted_by_a_line_below_it() {
        let scratch = Scratch::new("lift");
        let bans = scratch.bans("# cheaters\n7 # aimbot\n7\n8").unwrap();
        assert!(bans.lift(ClientId(7)).unwrap());
        assert!(!bans.lift(ClientId(7)).unwrap());
        assert!(!bans.lift(ClientId(9)).unwrap());
        assert_eq!(scratch.text(), "# cheaters\n7 # aimbot\n7\n8\n!7\n");
        assert_eq!(ids(&BanFile::read(&scratch.path()).unwrap()), [8]);
        assert!(bans.add(ClientId(7)).unwrap());
        assert_eq!(ids(&BanFile::read(&scratch.path()).unwrap()), [7, 8]);
    }

    #[test]
    fn the_last_line_about_a_client_holds() {
        let scratch = Scratch::new("order");
        for (text, banned) in [
            ("!7\n7\n", &[7][..]),
            ("7\n! 7 # by mistake\n", &[]),
            ("7\n!7\n7\n", &[7]),
            ("!7\n", &[]),
            ("7\n!8\n", &[7]),
            ("0\n18446744073709551615\n0x10\n", &[0, 16, u64::MAX]),
        ] {
            assert_eq!(ids(&scratch.bans(text).unwrap()), banned, "{text}");
        }
    }

    #[test]
    fn edits_since_the_start_count() {
        let scratch = Scratch::new("since");
        let bans = scratch.bans("7\n8\n").unwrap();
        std::fs::write(scratch.path(), "8\nsomebody\n").unwrap();
        assert!(bans.add(ClientId(7)).unwrap());
        assert!(bans.lift(ClientId(8)).unwrap());
        assert_eq!(scratch.text(), "8\nsomebody\n7\n!8\n");
    }

    #[test]
    fn a_file_that_does_not_exist_is_made_by_the_first_ban() {
        let scratch = Scratch::new("new");
        let bans = BanFile::read(&scratch.path()).unwrap();
        assert!(ids(&bans).is_empty());
        assert!(!bans.lift(ClientId(1)).unwrap());
        assert!(!scratch.path().exists());
        assert!(bans.add(ClientId(1)).unwrap());
        assert_eq!(ids(&BanFile::read(&scratch.path()).unwrap()), [1]);
        assert!(BanFile::read(&scratch.0.join("missing").join("bans")).is_err());
    }

    #[test]
    fn a_line_that_is_no_id_is_named() {
        let scratch = Scratch::new("wrong");
        for (line, named) in [("bob", "bob"), ("!", "!"), ("!!7 # x", "!!7"), ("+7", "+7"), ("7 8", "7 8")] {
            let error = scratch.bans(&format!("1\n{line}\n")).unwrap_err().to_string();
            assert!(error.ends_with(&format!("bans: line 2: `{named}` is no client id")), "{error}");
        }
    }
}
