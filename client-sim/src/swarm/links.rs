use crate::link::{Link, LinkMix, Profile};
use crate::measure::summary::BothWays;
use crate::mix::{Kind, Mix};

/// The links that clients have.
#[derive(Clone, Debug, PartialEq)]
pub struct Links {
    mix: LinkMix,
    /// Of each kind in the mix.
    links: Vec<Link>,
}

impl Links {
    /// The kinds of a mix, each as `link` says: what the profile is, with what is set on top.
    #[must_use]
    pub fn new(mix: LinkMix, link: impl Fn(Profile) -> Link) -> Self {
        let links = mix.kinds().map(link).collect();
        Self { mix, links }
    }

    /// The same for everybody.
    #[must_use]
    pub fn all(link: Link) -> Self {
        Self::new(Mix::only(Profile::None), |_| link)
    }

    /// Which of [`Links::kinds`] the client with this index has, and what that does.
    #[must_use]
    pub fn of(&self, index: u32) -> (usize, Link) {
        let position = self.mix.position(index);
        (position, self.links[position])
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, Link)> {
        self.mix.kinds().map(Kind::name).zip(self.links.iter().copied())
    }

    /// As on the command line, without what was set on top.
    #[must_use]
    pub const fn mix(&self) -> &LinkMix {
        &self.mix
    }
}

impl From<Link> for BothWays {
    fn from(link: Link) -> Self {
        Self { down: link.down.into(), up: link.up.into() }
    }
}
