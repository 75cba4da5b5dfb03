//! Reads `label<TAB>text` lines and prints how well our groups agree with the labels: adjusted Rand and normalised mutual information.
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
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<f32>().ok());
    if let Some(join) = arguments.next() {
        options.join = join;
    }
    if let Some(near) = arguments.next() {
        options.near = near;
    }
    if let Some(same) = arguments.next() {
        options.same = same;
    }
    let groups = cluster(&vectors, &options);
    let took = began.elapsed();
    let found = groups.iter().flatten().max().map_or(0, |most| most + 1);
    let alone = groups.iter().filter(|g| g.is_none()).count();
    // What is left alone counts as one more group, as in scikit-learn's own comparison of methods that leave noise.
    let whole: Vec<usize> = groups.iter().map(|g| g.map_or(0, |g| g + 1)).collect();
    let (ours, theirs): (Vec<usize>, Vec<usize>) = groups.iter().zip(&labels).filter_map(|(g, l)| g.map(|g| (g, *l))).unzip();
    println!(
        "{} texts, {} labels: {found} groups, {alone} left alone, {took:?}; all: ARI {:.3}, NMI {:.3}; grouped only: ARI {:.3}, NMI {:.3}",
        rows.len(),
        numbers.len(),
        quality::adjusted_rand(&whole, &labels),
        quality::normalised_mutual_information(&whole, &labels),
        quality::adjusted_rand(&ours, &theirs),
        quality::normalised_mutual_information(&ours, &theirs)
    );
    Ok(())
}
