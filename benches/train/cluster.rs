use crate::count::entropy_bits;

/// Joins distributions that cost least to have one code, until `keep` are left: for each its table, and the tables' sums. Those
/// that never occur get the table of the neighbour that `nearest` names.
pub(crate) fn cluster(counts: &[Vec<f64>], keep: usize) -> (Vec<Option<usize>>, Vec<Vec<f64>>) {
    let mut groups: Vec<(Vec<f64>, Vec<usize>)> = counts
        .iter()
        .enumerate()
        .filter(|(_, c)| c.iter().sum::<f64>() > 0.0)
        .map(|(i, c)| (c.clone(), vec![i]))
        .collect();
    let joined = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<f64>>();
    let cost = |a: &[f64], b: &[f64]| entropy_bits(&joined(a, b)) - entropy_bits(a) - entropy_bits(b);
    // For each group its cheapest partner behind it.
    let best = |groups: &[(Vec<f64>, Vec<usize>)], i: usize| {
        let costs = (i + 1..groups.len()).map(|j| (cost(&groups[i].0, &groups[j].0), j));
        costs.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    let mut partners: Vec<Option<(f64, usize)>> = (0..groups.len()).map(|i| best(&groups, i)).collect();
    while groups.len() > keep {
        let (i, (_, j)) = partners
            .iter()
            .enumerate()
            .filter_map(|(i, partner)| partner.map(|partner| (i, partner)))
            .min_by(|a, b| a.1.0.total_cmp(&b.1.0))
            .expect("two groups at least");
        let (sum, members) = groups.swap_remove(j);
        groups[i].0 = joined(&groups[i].0, &sum);
        groups[i].1.extend(members);
        partners.truncate(groups.len());
        let moved = groups.len();
        for at in 0..groups.len() {
            let stale = partners[at].is_some_and(|(_, partner)| partner == i || partner == j || partner == moved);
            if at == i || at == j || stale {
                partners[at] = best(&groups, at);
            } else if at < i {
                let new = (cost(&groups[at].0, &groups[i].0), i);
                if partners[at].is_none_or(|old| new.0 < old.0) {
                    partners[at] = Some(new);
                }
            }
            if j < groups.len() && at < j && at != i {
                let new = (cost(&groups[at].0, &groups[j].0), j);
                if partners[at].is_none_or(|old| new.0 < old.0) {
                    partners[at] = Some(new);
                }
            }
        }
    }
    let mut tables = vec![None; counts.len()];
    for (table, (_, members)) in groups.iter().enumerate() {
        members.iter().for_each(|member| tables[*member] = Some(table));
    }
    (tables, groups.into_iter().map(|(sum, _)| sum).collect())
}
