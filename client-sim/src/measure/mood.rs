/// How a client is, from good to bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    /// It is not to play, or is another process's.
    #[default]
    Away,
    /// It attacks the server.
    Hostile,
    /// What it shows is smooth.
    Well,
    /// It is on its way in.
    Joining,
    /// What it shows is guessed, or stands still, now and then.
    Poor,
    /// Nothing comes from the server.
    Silent,
    /// It has lost its connection, or never had one.
    Lost,
}
