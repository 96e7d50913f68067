/// The lengths of an optimal prefix code of at most `len_max` bits a word, by package-merge. Source: L. Larmore and D.
/// Hirschberg, "A fast algorithm for optimal length-limited Huffman codes", 1990.
pub(crate) fn lengths(weights: &[f64], len_max: usize) -> Vec<u8> {
    type Package = (f64, Vec<usize>);
    let mut leaves: Vec<Package> = weights.iter().enumerate().map(|(symbol, weight)| (*weight, vec![symbol])).collect();
    leaves.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut packages: Vec<Package> = Vec::new();
    for _ in 0..len_max {
        let pairs = packages.chunks_exact(2).map(|pair| {
            let symbols = pair.iter().flat_map(|(_, symbols)| symbols.iter().copied()).collect();
            (pair[0].0 + pair[1].0, symbols)
        });
        let mut merged: Vec<Package> = leaves.iter().cloned().chain(pairs).collect();
        merged.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        packages = merged;
    }
    let mut lengths = vec![0; weights.len()];
    for symbol in packages.iter().take(2 * weights.len() - 2).flat_map(|(_, symbols)| symbols) {
        lengths[*symbol] += 1;
    }
    lengths
}
