//! Finding themes in texts: pure, so that it can run on a thread of its own.

use hypercare_text::cluster::{Options, cluster};
use hypercare_text::terms::{self, Surfaces};
use hypercare_text::tfidf::{Model, Sparse};
use hypercare_text::theme::{Centre, distinct_terms, recognise};
use std::collections::HashMap;

/// A text is of a theme from this cosine on.
const OF_THEME: f64 = 0.30;
/// A new group is a known theme from this cosine on.
const SAME_THEME: f64 = 0.45;
/// How far a theme follows the words of what newly joins it.
const DRIFT: f64 = 0.2;
/// Terms that a theme is named by.
const NAMED_BY: usize = 3;
/// What a category looks like among terms.
const CATEGORY: char = '#';

/// A text to be looked at.
#[derive(Clone, Debug)]
pub struct Text {
    /// What the person wrote.
    pub comment: String,
    /// What they chose.
    pub categories: Vec<String>,
    /// Whether it belongs to a theme already.
    pub settled: bool,
}

/// A theme that is there.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its centre.
    pub centre: Centre,
}

/// A theme that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What sets it apart.
    pub terms: Vec<String>,
    /// Its centre.
    pub centre: Centre,
    /// Its texts.
    pub members: Vec<usize>,
}

/// What came of looking.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Texts that belong to known themes: text, theme.
    pub joined: Vec<(usize, usize)>,
    /// Where known themes are now, when something joined them.
    pub moved: Vec<(usize, Centre)>,
    /// New themes.
    pub new: Vec<Found>,
}

fn stems(text: &Text, surfaces: &mut Surfaces) -> Vec<String> {
    let mut stems = Vec::new();
    for term in terms::of(&text.comment) {
        surfaces.add(&term);
        stems.push(term.stem);
    }
    stems.extend(text.categories.iter().map(|category| format!("{CATEGORY}{category}")));
    stems
}

/// Puts texts that are not settled with known themes, and finds new ones among the rest, of at least `least` texts.
pub fn find(texts: &[Text], known: &[Known], least: usize) -> Findings {
    let mut surfaces = Surfaces::default();
    let stems: Vec<Vec<String>> = texts.iter().map(|text| stems(text, &mut surfaces)).collect();
    let model = Model::fit(&stems, 2);
    let vectors: Vec<Sparse> = stems.iter().map(|s| model.vector(s)).collect();
    let mut findings = Findings::default();
    let mut rest = Vec::new();
    for (i, text) in texts.iter().enumerate().filter(|(_, text)| !text.settled) {
        let near = known.iter().map(|k| k.centre.near(&model, &vectors[i])).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        match near.filter(|(_, cosine)| *cosine >= OF_THEME) {
            Some((theme, _)) => findings.joined.push((i, theme)),
            None if !text.comment.is_empty() || !text.categories.is_empty() => rest.push(i),
            None => {}
        }
    }
    let groups = groups(&rest, &vectors, least);
    let centres: Vec<Centre> = groups.iter().map(|members| Centre::of(&model, members.iter().map(|i| &vectors[*i]))).collect();
    let centres_known: Vec<Centre> = known.iter().map(|k| k.centre.clone()).collect();
    let is = recognise(&centres_known, &centres, SAME_THEME);
    let texts_of: Vec<Vec<&Vec<String>>> = groups.iter().map(|members| members.iter().map(|i| &stems[*i]).collect()).collect();
    let words = distinct_terms(&texts_of, NAMED_BY + 2);
    for (((members, centre), is), words) in groups.into_iter().zip(centres).zip(is).zip(words) {
        if let Some(theme) = is {
            findings.joined.extend(members.iter().map(|i| (*i, theme)));
        } else {
            let (name, terms) = name(&members, texts, &words, &surfaces);
            findings.new.push(Found { name, terms, centre, members });
        }
    }
    let mut joining: HashMap<usize, Vec<&Sparse>> = HashMap::new();
    findings.joined.iter().for_each(|(text, theme)| joining.entry(*theme).or_default().push(&vectors[*text]));
    findings.moved =
        joining.into_iter().map(|(theme, texts)| (theme, known[theme].centre.towards(&Centre::of(&model, texts), DRIFT))).collect();
    findings.moved.sort_by_key(|(theme, _)| *theme);
    findings
}

/// The centre of some of the texts, as seen among all.
pub fn centre_of(texts: &[Text], members: &[usize]) -> Centre {
    let mut surfaces = Surfaces::default();
    let stems: Vec<Vec<String>> = texts.iter().map(|text| stems(text, &mut surfaces)).collect();
    let model = Model::fit(&stems, 1);
    let vectors: Vec<Sparse> = members.iter().map(|i| model.vector(&stems[*i])).collect();
    Centre::of(&model, &vectors)
}

fn groups(rest: &[usize], vectors: &[Sparse], least: usize) -> Vec<Vec<usize>> {
    let of_rest: Vec<Sparse> = rest.iter().map(|i| vectors[*i].clone()).collect();
    let grouped = cluster(&of_rest, &Options { least, ..Options::default() });
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); grouped.iter().flatten().max().map_or(0, |most| most + 1)];
    for (i, group) in rest.iter().zip(grouped) {
        if let Some(group) = group {
            groups[group].push(*i);
        }
    }
    groups
}

/// The category most of them chose, if most chose one, and the words that set them apart.
fn name(members: &[usize], texts: &[Text], words: &[String], surfaces: &Surfaces) -> (String, Vec<String>) {
    let mut chosen: HashMap<&str, usize> = HashMap::new();
    members.iter().flat_map(|i| &texts[*i].categories).for_each(|c| *chosen.entry(c).or_default() += 1);
    let main = chosen.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0))).filter(|(_, n)| n * 10 >= members.len() * 6);
    let terms: Vec<String> =
        words.iter().filter(|w| !w.starts_with(CATEGORY) && !w.contains(" #")).take(NAMED_BY).map(|w| surfaces.of(w).to_owned()).collect();
    let category = main.map(|(category, _)| crate::feedback::model::category_label(category));
    let name = match (category, terms.is_empty()) {
        (Some(category), true) => category,
        (Some(category), false) => format!("{category}: {}", terms.join(", ")),
        (None, false) => terms.join(", "),
        (None, true) => "Unnamed".to_owned(),
    };
    (name, terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[(&str, &str)]) -> Vec<Text> {
        list.iter()
            .map(|(comment, category)| Text {
                comment: (*comment).to_owned(),
                categories: if category.is_empty() { Vec::new() } else { vec![(*category).to_owned()] },
                settled: false,
            })
            .collect()
    }

    #[test]
    fn themes_are_found_named_and_known_again_tomorrow() {
        let day_one = texts(&[
            ("It forgot my order number", "forgot_context"),
            ("asked for my order number again", "forgot_context"),
            ("forgot the order number", "forgot_context"),
            ("answer about opening hours, I asked about returns", "irrelevant"),
            ("opening hours? I wanted returns", "irrelevant"),
            ("told me opening hours instead of returns", "irrelevant"),
        ]);
        let first = find(&day_one, &[], 3);
        assert_eq!(first.new.len(), 2, "{first:?}");
        let forgot = first.new.iter().position(|f| f.members.contains(&0)).expect("a theme");
        assert!(
            first.new[forgot].name.starts_with("Forgot context: ") && first.new[forgot].name.contains("order"),
            "{}",
            first.new[forgot].name
        );
        let known: Vec<Known> = first.new.iter().map(|f| Known { centre: f.centre.clone() }).collect();
        let day_two =
            texts(&[("Why did it forget my order number?", "forgot_context"), ("the order number again", ""), ("lovely weather", "")]);
        let second = find(&day_two, &known, 3);
        assert!(second.new.is_empty());
        assert!(second.joined.contains(&(0, forgot)) && !second.joined.iter().any(|(text, _)| *text == 2), "{:?}", second.joined);
    }

    #[test]
    fn what_has_only_a_category_is_grouped_by_it() {
        let found = find(&texts(&[("", "too_slow"), ("", "too_slow"), ("", "too_slow"), ("", "")]), &[], 3);
        assert_eq!((found.new.len(), found.new[0].name.as_str(), found.new[0].members.len()), (1, "Too slow", 3));
    }
}
