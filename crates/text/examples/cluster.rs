//! Reads `label<TAB>text` lines and prints, with tabs between, how many groups we find, the seconds it took, and how well the groups agree with the labels:
//! adjusted Rand and normalised mutual information.
//!
//! `cargo run --release -p hypercare-text --example cluster < texts.tsv`

use hypercare_text::cluster::{Options, cluster};
use hypercare_text::{quality, terms, tfidf::Model};
use std::collections::HashMap;
use std::io::Read as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let rows: Vec<(&str, &str)> = input.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let labels: Vec<usize> = rows
        .iter()
        .map(|(label, _)| {
            let next = numbers.len();
            *numbers.entry(label).or_insert(next)
        })
        .collect();
    let began = std::time::Instant::now();
    let stems: Vec<Vec<String>> = rows.iter().map(|(_, text)| terms::of(text).into_iter().map(|t| t.stem).collect()).collect();
    let model = Model::fit(&stems, 2);
    let vectors: Vec<_> = stems.iter().map(|s| model.vector(s)).collect();
    let groups = cluster(&vectors, &Options::default());
    let took = began.elapsed();
    let found = groups.iter().flatten().max().map_or(0, |most| most + 1);
    // What is left alone counts as one more group, as in scikit-learn's own comparison of methods that leave noise.
    let whole: Vec<usize> = groups.iter().map(|g| g.map_or(0, |g| g + 1)).collect();
    println!(
        "{found}\t{:.1}\t{:.3}\t{:.3}",
        took.as_secs_f64(),
        quality::adjusted_rand(&whole, &labels),
        quality::normalised_mutual_information(&whole, &labels)
    );
    Ok(())
}
