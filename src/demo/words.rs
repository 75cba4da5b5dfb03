//! What the made-up customers say, to the bot and about it.

use super::dice::pick;

/// First words that tell the order number.
pub const OPENERS: [&str; 8] = [
    "Hi, I ordered a floor lamp last week, order number {order}. When will it arrive?",
    "Hello! My order is {order}. Has it been shipped yet?",
    "Good morning, order {order}: can I still change the delivery address?",
    "The shade of my lamp is scratched. The order number is {order}.",
    "My order {order} came today and one lamp is broken. What now?",
    "Where is my parcel? Order {order}, it was promised for yesterday.",
    "I need an invoice for order {order}, please.",
    "Hello, can you track order {order} for me?",
];

/// First words without a number.
pub const OPENERS_WITHOUT: [&str; 4] = [
    "Hi, I would like to know where my parcel is.",
    "I would like to return a lamp.",
    "When do I get my money back?",
    "One of the bulbs I bought is broken.",
];

/// Questions that need no order number.
pub const QUESTIONS: [&str; 12] = [
    "What are your opening hours?",
    "Are you open this weekend?",
    "Can I pay with PayPal?",
    "Do you take payment in instalments?",
    "Is the desk lamp Lys in stock?",
    "Which size of the shade is available?",
    "How long is the warranty?",
    "Is there a guarantee on the bulbs?",
    "I have a voucher, where do I enter it?",
    "Do you have a discount for students?",
    "I forgot my password, what can I do?",
    "How do I sign in to see my purchases?",
];

/// Questions that need the order number again, without telling it.
pub const LATER: [&str; 8] = [
    "I would like to return it after all. How does that work?",
    "How do I send it back?",
    "And when do I get my refund?",
    "How long until I have my money back?",
    "Please send me the receipt for it again.",
    "On second thoughts, can you cancel it?",
    "So when exactly does it arrive?",
    "Could it go to another address instead?",
];

/// Telling it again, unnerved.
pub const AGAIN: [&str; 5] = [
    "I already told you: {order}.",
    "As I said, {order}.",
    "It is still {order}, see above.",
    "{order}. Why do you ask again?",
    "Same order as before, {order}!",
];

/// Telling it when asked for it the first time.
pub const TOLD: [&str; 3] = ["It is {order}.", "{order}", "Sure, order {order}."];

/// Last words.
pub const GOODBYES: [&str; 3] = ["Thank you, that helps.", "Perfect, thanks a lot.", "Can I talk to a real person about this?"];

/// What gives away an answer that is wrong, whoever gave it.
pub const MISTAKES: [&str; 6] = ["7 days, and you pay", "ninety days", "in 2019", "around the clock", "only take cash", "Nothing we sell"];

/// How an answer struck the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fine.
    Good,
    /// Asks for what it was told.
    Forgot,
    /// Says something that is not so.
    Wrong,
    /// Misses the point.
    Lost,
    /// Fine, but late.
    Slow,
}

impl Verdict {
    /// The category the widget offers for it.
    pub const fn category(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::Forgot => Some("forgot_context"),
            Self::Wrong => Some("inaccurate"),
            Self::Lost => Some("unhelpful"),
            Self::Slow => Some("too_slow"),
        }
    }
}

/// Comments of people who are fine but press 👎, with the category they tick.
pub const GRUMBLES: [(&str, &str); 5] = [
    ("tone", "Sounds like a leaflet."),
    ("irrelevant", "Not what I asked."),
    ("tone", "Etwas unpersönlich."),
    ("other", "J'aurais préféré parler à quelqu'un."),
    ("irrelevant", "No era mi pregunta."),
];

/// Reports, with their flag.
pub const REPORTS: [(&str, &str); 4] = [
    ("private_data", "It mentioned an order that is not mine."),
    ("harmful", "It told me to open the lamp without unplugging it first."),
    ("biased", "Antwortet mir anders als meiner Kollegin."),
    ("other", "The tracking link in the e-mail looked odd."),
];

/// A comment in the language of this country.
pub fn comment(verdict: Verdict, country: &str) -> Option<&'static str> {
    pick(comments(verdict, country)).copied()
}

fn comments(verdict: Verdict, country: &str) -> &'static [&'static str] {
    match country {
        "DE" | "AT" => german(verdict),
        "FR" => french(verdict),
        "ES" => spanish(verdict),
        _ => english(verdict),
    }
}

fn english(verdict: Verdict) -> &'static [&'static str] {
    match verdict {
        Verdict::Good => &[
            "Quick and clear.",
            "Solved it in a minute, thank you.",
            "Better than waiting on the phone.",
            "Friendly, and it knew my order.",
        ],
        Verdict::Forgot => &[
            "It forgot what I said two messages ago.",
            "I gave the order number at the very start and it asked again.",
            "Does it have no memory? Same question twice.",
            "Had to repeat my order number.",
            "It forgot my order in the middle of the conversation.",
            "Keeps asking for the order number I already gave.",
        ],
        Verdict::Wrong => &[
            "That is not what your website says.",
            "The return period is 30 days, not 7.",
            "This is simply not true.",
            "Wrong information, please check.",
        ],
        Verdict::Lost => &["It did not understand a simple question.", "No help at all.", "Just asks back instead of answering."],
        Verdict::Slow => &["Took ages to answer.", "Too slow, I nearly left."],
    }
}

fn german(verdict: Verdict) -> &'static [&'static str] {
    match verdict {
        Verdict::Good => &["Schnell und verständlich.", "Hat sofort geholfen, danke.", "Endlich keine Warteschleife."],
        Verdict::Forgot => &[
            "Hat die Bestellnummer vergessen, die ich am Anfang genannt habe.",
            "Fragt zweimal nach derselben Bestellnummer.",
            "Vergisst mitten im Gespräch, worum es geht.",
            "Ich musste alles noch einmal sagen.",
        ],
        Verdict::Wrong => &["Das stimmt nicht, auf der Website steht etwas anderes.", "Falsche Auskunft zur Rückgabe."],
        Verdict::Lost => &["Hat die Frage nicht verstanden.", "Keine Hilfe."],
        Verdict::Slow => &["Die Antwort hat ewig gedauert."],
    }
}

fn french(verdict: Verdict) -> &'static [&'static str] {
    match verdict {
        Verdict::Good => &["Rapide et clair.", "Problème réglé, merci."],
        Verdict::Forgot => &[
            "Il a oublié mon numéro de commande.",
            "J'ai dû répéter mon numéro de commande deux fois.",
            "Il oublie ce qu'on lui a dit au début.",
        ],
        Verdict::Wrong => &["C'est faux, le délai de retour est de 30 jours.", "Information incorrecte."],
        Verdict::Lost => &["Il n'a pas compris ma question."],
        Verdict::Slow => &["Beaucoup trop lent."],
    }
}

fn spanish(verdict: Verdict) -> &'static [&'static str] {
    match verdict {
        Verdict::Good => &["Rápido y claro.", "Resuelto enseguida, gracias."],
        Verdict::Forgot => {
            &["Olvidó mi número de pedido.", "Tuve que repetir el número de pedido.", "No recuerda lo que le dije al principio."]
        }
        Verdict::Wrong => &["Eso no es correcto.", "La información está equivocada."],
        Verdict::Lost => &["No entendió la pregunta."],
        Verdict::Slow => &["Tardó demasiado en responder."],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::topics::{TOPICS, topic_of};

    #[test]
    fn the_bot_knows_what_every_question_is_about_and_whether_it_needs_the_order() {
        let needs = |text: &str| topic_of(text).map(|topic| topic.needs_order);
        for text in OPENERS.iter().chain(&OPENERS_WITHOUT).chain(&LATER) {
            assert_eq!(needs(text), Some(true), "{text}");
        }
        for text in QUESTIONS.iter().chain(&GOODBYES) {
            assert_eq!(needs(text), Some(false), "{text}");
        }
        for text in AGAIN.iter().chain(&TOLD) {
            assert_eq!(needs(text), None, "{text}");
        }
    }

    #[test]
    fn mistakes_are_in_slips_and_nowhere_else() {
        let wrong = |text: &str| MISTAKES.iter().any(|mistake| text.contains(mistake));
        for topic in &TOPICS {
            assert!(topic.slip.is_empty() || wrong(topic.slip), "{}", topic.slip);
            assert!(!wrong(topic.short) && !wrong(topic.more), "{}", topic.short);
        }
    }
}
