//! The words of the page behind a link. Those it shares with the widget stand in `public/widget`, once.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// All of it in one language.
pub struct Words {
    pub lang: &'static str,
    /// The language's name for itself.
    pub name: &'static str,
    pub title: &'static str,
    pub intro: &'static str,
    pub again: &'static str,
    pub became: &'static str,
    pub received: &'static str,
    pub in_review: &'static str,
    pub in_progress: &'static str,
    pub resolved: &'static str,
    pub closed: &'static str,
    pub meanwhile: &'static str,
    pub dead: &'static str,
    pub expired: &'static str,
    pub invalid: &'static str,
    pub wait: &'static str,
    pub languages: &'static str,
    widget: LazyLock<BTreeMap<String, String>>,
}

/// Every language, English first.
pub static ALL: [&Words; 4] = [&EN, &DE, &FR, &ES];

impl Words {
    /// A word of the widget.
    pub fn of(&'static self, key: &'static str) -> &'static str {
        self.widget.get(key).map_or(key, String::as_str)
    }
}

fn read(file: &str) -> BTreeMap<String, String> {
    serde_json::from_str(file).unwrap_or_default()
}

/// The language asked for by name, else the one the browser likes best of those there are, else English.
pub fn choose(asked: Option<&str>, headers: &HeaderMap) -> &'static Words {
    let known = |tag: &str| ALL.into_iter().find(|w| tag.split('-').next().is_some_and(|lang| lang.eq_ignore_ascii_case(w.lang)));
    let liked = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut best: Option<(f32, &Words)> = None;
    for part in liked.split(',') {
        let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if let Some(words) = known(tag.trim()).filter(|_| weight > best.map_or(0.0, |(w, _)| w)) {
            best = Some((weight, words));
        }
    }
    asked.and_then(known).or_else(|| best.map(|(_, words)| words)).unwrap_or(&EN)
}

static EN: Words = Words {
    lang: "en",
    name: "English",
    title: "Your feedback",
    intro: "Please tell us what you think of the answer that this link came with.",
    again: "You can change or add to what you said.",
    became: "What became of your feedback",
    received: "We have received it.",
    in_review: "Somebody is looking at it.",
    in_progress: "We know what it is about and are working on it.",
    resolved: "It has been fixed. Thank you for telling us.",
    closed: "We have looked at it.",
    meanwhile: "Meanwhile:",
    dead: "This link does not work any more",
    expired: "Feedback is taken for 30 days. This link is older.",
    invalid: "Perhaps only a part of it was copied. Please open it again from where you got it.",
    wait: "That was too often. Please wait a moment and try again.",
    languages: "Other languages",
    widget: LazyLock::new(|| read(include_str!("../../../../public/widget/en.json"))),
};

static DE: Words = Words {
    lang: "de",
    name: "Deutsch",
    title: "Ihre Rückmeldung",
    intro: "Bitte sagen Sie uns, was Sie von der Antwort halten, zu der dieser Link gehört.",
    again: "Sie können Ihre Rückmeldung ändern oder ergänzen.",
    became: "Was aus Ihrer Rückmeldung wurde",
    received: "Wir haben sie erhalten.",
    in_review: "Jemand sieht sie sich an.",
    in_progress: "Wir wissen, worum es geht, und arbeiten daran.",
    resolved: "Das ist behoben. Danke für den Hinweis.",
    closed: "Wir haben sie uns angesehen.",
    meanwhile: "Bis dahin:",
    dead: "Dieser Link funktioniert nicht mehr",
    expired: "Rückmeldungen sind 30 Tage lang möglich. Dieser Link ist älter.",
    invalid: "Vielleicht wurde nur ein Teil davon kopiert. Bitte öffnen Sie ihn noch einmal von dort, wo Sie ihn bekommen haben.",
    wait: "Das war zu oft. Bitte warten Sie einen Moment und versuchen Sie es noch einmal.",
    languages: "Andere Sprachen",
    widget: LazyLock::new(|| read(include_str!("../../../../public/widget/de.json"))),
};

static FR: Words = Words {
    lang: "fr",
    name: "Français",
    title: "Votre avis",
    intro: "Dites-nous ce que vous pensez de la réponse à laquelle ce lien appartient.",
    again: "Vous pouvez modifier ou compléter votre avis.",
    became: "Ce que votre avis est devenu",
    received: "Nous l’avons reçu.",
    in_review: "Quelqu’un l’examine.",
    in_progress: "Nous savons de quoi il s’agit et nous y travaillons.",
    resolved: "C’est corrigé. Merci de nous l’avoir signalé.",
    closed: "Nous l’avons examiné.",
    meanwhile: "En attendant :",
    dead: "Ce lien ne fonctionne plus",
    expired: "Les avis sont recueillis pendant 30 jours. Ce lien est plus ancien.",
    invalid: "Il n’a peut-être été copié qu’en partie. Veuillez l’ouvrir de nouveau depuis l’endroit où vous l’avez reçu.",
    wait: "Trop d’essais. Veuillez patienter un instant et réessayer.",
    languages: "Autres langues",
    widget: LazyLock::new(|| read(include_str!("../../../../public/widget/fr.json"))),
};

static ES: Words = Words {
    lang: "es",
    name: "Español",
    title: "Su opinión",
    intro: "Díganos qué le parece la respuesta a la que pertenece este enlace.",
    again: "Puede cambiar o completar lo que dijo.",
    became: "Qué pasó con su opinión",
    received: "La hemos recibido.",
    in_review: "Alguien la está mirando.",
    in_progress: "Sabemos de qué se trata y estamos trabajando en ello.",
    resolved: "Está arreglado. Gracias por avisarnos.",
    closed: "La hemos mirado.",
    meanwhile: "Mientras tanto:",
    dead: "Este enlace ya no funciona",
    expired: "Las opiniones se reciben durante 30 días. Este enlace es más antiguo.",
    invalid: "Quizá solo se copió una parte. Ábralo de nuevo desde donde lo recibió.",
    wait: "Demasiados intentos. Espere un momento y vuelva a intentarlo.",
    languages: "Otros idiomas",
    widget: LazyLock::new(|| read(include_str!("../../../../public/widget/es.json"))),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything_and_the_widget_has_the_same_english() {
        let widget = include_str!("../../../../public/widget.js");
        assert!(EN.widget.len() > 20);
        for (key, word) in &*EN.widget {
            assert!(widget.contains(&format!("{key}: \"{word}\"")), "{key}: {word}");
        }
        for words in ALL {
            assert!(words.widget.keys().eq(EN.widget.keys()), "{}", words.lang);
            assert!(words.of("star").contains('#'), "{}", words.lang);
        }
    }

    #[test]
    fn the_language_asked_for_then_the_one_liked_best() {
        let chosen =
            |asked, liked: &'static str| choose(asked, &[(ACCEPT_LANGUAGE, liked.parse().expect("value"))].into_iter().collect()).lang;
        assert_eq!(chosen(None, "de-CH, en;q=0.8"), "de");
        assert_eq!(chosen(None, "sv, en;q=0.3, fr;q=0.7"), "fr");
        assert_eq!(chosen(None, "de;q=0, es"), "es");
        assert_eq!(chosen(Some("ES"), "de"), "es");
        assert_eq!(chosen(Some("xx"), "de"), "de");
        assert_eq!(choose(None, &HeaderMap::new()).lang, "en");
    }
}
