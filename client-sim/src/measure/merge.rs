use super::run::{Run, Setup};
use super::summary::{Origin, StageSummary};

/// Why runs cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Something that was asked for differs.
    #[error("they had different {0}")]
    Different(&'static str),
    /// The same part of the clients comes twice.
    #[error("worker {0} of {1} comes twice")]
    Twice(u32, u32),
    /// A part of a run, and a whole one.
    #[error("one is the part of a worker, and the other is not")]
    PartAndWhole,
}

impl Run {
    /// Adds another run: another worker's part of the same one, or a run of its own at the same time. Histograms and counters are added, so
    /// that percentiles are those of all clients together.
    ///
    /// What the server tells is taken from the run that watched it for longer, if it is the same server.
    ///
    /// # Errors
    /// If they do not belong together. Then nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        let setup = self.setup.merged(&other.setup)?;
        for (name, profile) in &other.profiles {
            if self.profiles.get(name).is_some_and(|mine| mine.conditioner != profile.conditioner) {
                return Err(MergeError::Different("links"));
            }
        }
        self.setup = setup;
        for (name, profile) in &other.profiles {
            let mine = self.profiles.entry(name.clone()).or_default();
            mine.conditioner = profile.conditioner.clone();
            mine.account.add(&profile.account);
        }
        self.hostile.add(&other.hostile);
        self.timeline.add(&other.timeline);
        self.merge_server(other);
        self.origin.merge(&other.origin);
        self.cut_short = self.cut_short.take().or_else(|| other.cut_short.clone());
        self.called += other.called;
        self.duration_us = self.duration_us.max(other.duration_us);
        self.measured_us = self.measured_us.max(other.measured_us);
        self.cpu_us.extend(&other.cpu_us);
        self.same_clock &= other.same_clock;
        Ok(())
    }

    fn merge_server(&mut self, other: &Self) {
        let is_same = self.origin.server == other.origin.server && self.origin.server != Origin::EMBEDDED;
        if !is_same {
            self.server = None;
            self.timeline.forget_server();
        } else if other.server.as_ref().map(|server| server.over_us) > self.server.as_ref().map(|server| server.over_us)
        {
            self.server.clone_from(&other.server);
        }
    }
}

impl Setup {
    fn merged(&self, other: &Self) -> Result<Self, MergeError> {
        let wanted = [
            ("bots", self.bots == other.bots),
            ("profiles", self.profile == other.profile),
            ("shares of thin clients", self.thin.total_cmp(&other.thin).is_eq()),
            ("churn", self.load.churn_per_s.total_cmp(&other.load.churn_per_s).is_eq()),
        ];
        if let Some((what, _)) = wanted.iter().find(|(_, is_same)| !is_same) {
            return Err(MergeError::Different(what));
        }
        let mut sum = Self { clients: self.clients + other.clients, ..self.clone() };
        match (self.workers_of, other.workers_of) {
            (1, 1) => sum.load.stages = added(&self.load.stages, &other.load.stages)?,
            (mine, others) if mine == others => {
                if self.seed != other.seed {
                    return Err(MergeError::Different("seeds"));
                }
                if self.load != other.load {
                    return Err(MergeError::Different("loads"));
                }
                for worker in &other.workers {
                    if sum.workers.contains(worker) {
                        return Err(MergeError::Twice(*worker, others));
                    }
                    sum.workers.push(*worker);
                }
            }
            _ => return Err(MergeError::PartAndWhole),
        }
        Ok(sum)
    }
}

/// Stages of two runs at the same time.
fn added(stages: &[StageSummary], others: &[StageSummary]) -> Result<Vec<StageSummary>, MergeError> {
    let same_times = stages.len() == others.len()
        && stages.iter().zip(others).all(|(one, other)| one.duration_s.total_cmp(&other.duration_s).is_eq());
    if !same_times {
        return Err(MergeError::Different("loads"));
    }
    let sum = |(one, other): (&StageSummary, &StageSummary)| StageSummary {
        clients: one.clients + other.clients,
        duration_s: one.duration_s,
    };
    Ok(stages.iter().zip(others).map(sum).collect())
}

impl Origin {
    /// Instead of an address: a server that was started for the run, and is nobody else's.
    pub const EMBEDDED: &str = "an embedded server";

    fn merge(&mut self, other: &Self) {
        self.commands.extend(other.commands.iter().cloned());
        for machine in &other.machines {
            if !self.machines.contains(machine) {
                self.machines.push(machine.clone());
            }
        }
        if self.server != other.server || self.server == Self::EMBEDDED {
            "several servers".clone_into(&mut self.server);
        }
        self.started_unix_s = self.started_unix_s.min(other.started_unix_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::Hostile;
    use crate::measure::{Account, Figure, ProfileRun, Second, ServerFigures, ServerRun, ServerSecond};

    fn part(worker: u32, rtts_us: std::ops::Range<u64>) -> Run {
        let mut account = Account { played_us: 1_000_000, ..Account::default() };
        let mut second = Second::new(0);
        for rtt_us in rtts_us {
            account.histograms.record(Figure::Rtt, rtt_us);
            second.histograms.record(Figure::Rtt, rtt_us);
        }
        account.counts.bytes_down = 1000;
        Run {
            setup: Setup { clients: 5, workers: vec![worker], workers_of: 2, seed: 7, ..Setup::default() },
            origin: Origin { server: "10.0.0.1:7777".to_owned(), ..Origin::default() },
            profiles: [("wifi".to_owned(), ProfileRun { account, ..ProfileRun::default() })].into(),
            cut_short: None,
            called: 5,
            duration_us: 2_000_000,
            measured_us: 1_000_000,
            cpu_us: vec![100_000],
            hostile: Hostile { clients: 1, datagrams_sent: 10, ..Hostile::default() },
            server: Some(ServerRun { figures: ServerFigures::default(), over_us: u64::from(worker) * 1_000_000 }),
            same_clock: true,
            timeline: [second].into_iter().collect(),
        }
    }

    #[test]
    fn percentiles_of_two_workers_are_those_of_all_clients_together() {
        let mut merged = part(1, 0..1000);
        merged.merge(&part(2, 9_000..10_000)).unwrap();
        let mut whole = part(1, 0..1000);
        let rest = part(2, 9_000..10_000);
        whole.profiles.get_mut("wifi").unwrap().account.add(&rest.profiles["wifi"].account);
        assert_eq!(merged.summary().figures.rtt_ms, whole.summary().figures.rtt_ms);
        let summary = merged.summary();
        assert_eq!(
            (summary.clients.requested, summary.clients.failed, summary.figures.bandwidth.down_bytes_total),
            (10, 10, 2000)
        );
        assert_eq!(
            merged.timeline.iter().next().and_then(|second| second.distribution(Figure::Rtt)).map(|rtt| rtt.count),
            Some(2000)
        );
        assert_eq!((summary.hostile.clients, summary.hostile.datagrams_sent), (2, 20));
        assert_eq!(merged.server.map(|server| server.over_us), Some(2_000_000));
    }

    #[test]
    fn what_does_not_belong_together_is_refused_and_nothing_is_added() {
        let mut merged = part(1, 0..10);
        let refusals = [
            (part(1, 0..10), MergeError::Twice(1, 2)),
            (with(|setup| setup.seed = 8), MergeError::Different("seeds")),
            (with(|setup| setup.bots = "fight".to_owned()), MergeError::Different("bots")),
            (with(|setup| setup.load.churn_per_s = 1.0), MergeError::Different("churn")),
            (with(|setup| setup.workers_of = 1), MergeError::PartAndWhole),
        ];
        for (other, wanted) in refusals {
            assert_eq!(merged.merge(&other), Err(wanted));
        }
        let mut narrow = part(2, 0..10);
        narrow.profiles.get_mut("wifi").unwrap().conditioner.down.latency_ms = 9.0;
        assert_eq!(merged.merge(&narrow), Err(MergeError::Different("links")));
        assert_eq!(merged, part(1, 0..10));
    }

    fn with(change: impl Fn(&mut Setup)) -> Run {
        let mut run = part(2, 0..10);
        change(&mut run.setup);
        run
    }

    #[test]
    fn runs_of_their_own_add_their_loads() {
        let whole = |clients| {
            let mut run = part(1, 0..10);
            run.setup.workers_of = 1;
            run.setup.load.stages = vec![StageSummary { duration_s: 10.0, clients }];
            run
        };
        let mut merged = whole(100);
        merged.merge(&whole(50)).unwrap();
        assert_eq!(merged.setup.load.stages, [StageSummary { duration_s: 10.0, clients: 150 }]);
    }

    #[test]
    fn servers_of_their_own_have_no_figures_together() {
        let embedded = |worker| {
            let mut run = part(worker, 0..10);
            Origin::EMBEDDED.clone_into(&mut run.origin.server);
            let mut second = Second::new(1);
            second.server = Some(ServerSecond::default());
            run.timeline.push(&second);
            run
        };
        let mut merged = embedded(1);
        merged.merge(&embedded(2)).unwrap();
        assert!(merged.server.is_none() && merged.timeline.iter().all(|second| second.server.is_none()));
    }
}
