//! What the sample provider knows about the made-up shop.

/// One thing customers ask about.
pub struct Topic {
    /// Words that give it away, lower case.
    pub keywords: &'static [&'static str],
    /// Whether it needs the order number, which stands as `{order}` in the answers.
    pub needs_order: bool,
    /// The answer in a sentence.
    pub short: &'static str,
    /// What a better answer adds.
    pub more: &'static str,
    /// What it says when it slips; empty where it never does.
    pub slip: &'static str,
}

/// Asked when an order number is needed and none is known (any more).
pub const ASK: &str = "Could you tell me your order number, please?";
/// What a better answer adds to it.
pub const ASK_MORE: &str = "It starts with HC- and is in the subject of your confirmation e-mail.";
/// Said when nothing matches.
pub const LOST: &str = "I am not sure I understand.";
/// What a better answer adds to it.
pub const LOST_MORE: &str = "Could you tell me a little more about what you need?";
/// Said when only an order number came.
pub const NOTED: &str = "Thank you, I have found order {order}.";
/// What a better answer adds to it.
pub const NOTED_MORE: &str = "What can I do for you?";

/// The first whose keyword occurs is meant.
pub const TOPICS: [Topic; 15] = [
    Topic {
        keywords: &["refund", "money back"],
        needs_order: true,
        short: "The refund for order {order} reaches your account within five working days after the parcel is back with us.",
        more: "It goes to the payment method you used, and we write to you as soon as it is on its way.",
        slip: "The refund for order {order} takes up to ninety days.",
    },
    Topic {
        keywords: &["return", "send it back", "send them back"],
        needs_order: true,
        short: "You can return order {order} free of charge within 30 days of delivery.",
        more: "I have e-mailed you a label: pack the item, stick the label on, and drop the parcel at any post office.",
        slip: "You can return order {order} within 7 days, and you pay the postage.",
    },
    Topic {
        keywords: &["broken", "damaged", "scratch", "stopped working"],
        needs_order: true,
        short: "I am sorry about that; a replacement for order {order} goes out tomorrow.",
        more: "You need not send the old one back. If you would rather have your money back, tell me and I will arrange it.",
        slip: "",
    },
    Topic {
        keywords: &["cancel"],
        needs_order: true,
        short: "Order {order} is cancelled, and nothing will be charged.",
        more: "If the amount was already reserved on your card, the bank releases it within two days.",
        slip: "",
    },
    Topic {
        keywords: &["address"],
        needs_order: true,
        short: "Order {order} can still go to another address: please send me the new one.",
        more: "This works until the parcel is handed to the carrier, usually at six in the evening.",
        slip: "",
    },
    Topic {
        keywords: &["invoice", "receipt"],
        needs_order: true,
        short: "I have e-mailed you the invoice for order {order} again.",
        more: "You also find all your invoices in your account under Orders.",
        slip: "",
    },
    Topic {
        keywords: &["arrive", "deliver", "track", "parcel", "shipped"],
        needs_order: true,
        short: "Order {order} left our warehouse yesterday and should reach you within two working days.",
        more: "You can follow it with the link in the dispatch e-mail; on the morning of delivery the driver names a window of two hours.",
        slip: "Order {order} was delivered in 2019.",
    },
    Topic {
        keywords: &["opening hours", "are you open", "close", "weekend"],
        needs_order: false,
        short: "Our shops are open Monday to Saturday from 10 to 19.",
        more: "On Sundays they are closed, but you can reach us here at any time.",
        slip: "Our shops are open around the clock on every day of the year.",
    },
    Topic {
        keywords: &["pay ", "paypal", "credit card", "instalments"],
        needs_order: false,
        short: "You can pay by card, PayPal, bank transfer, or in three instalments from 100 euros.",
        more: "The instalments cost nothing extra, and your card is charged only when the parcel leaves.",
        slip: "We only take cash.",
    },
    Topic {
        keywords: &["password", "sign in", "log in", "account"],
        needs_order: false,
        short: "Choose \"Forgot password\" on the sign-in page and we send you a link that works for an hour.",
        more: "If it does not arrive, look into the spam folder, or tell me which address you registered with.",
        slip: "",
    },
    Topic {
        keywords: &["in stock", "available", "size"],
        needs_order: false,
        short: "It is in stock in all sizes and ships within a day.",
        more: "If you are between two sizes, most customers take the larger one.",
        slip: "",
    },
    Topic {
        keywords: &["warranty", "guarantee"],
        needs_order: false,
        short: "Everything has a warranty of two years, lamps and furniture of five.",
        more: "Keep the invoice; it is all you need.",
        slip: "Nothing we sell has a warranty.",
    },
    Topic {
        keywords: &["voucher", "discount", "gift card"],
        needs_order: false,
        short: "Enter the code in the basket under \"Voucher\" before you pay.",
        more: "One code per order; codes and gift cards can be combined.",
        slip: "",
    },
    Topic {
        keywords: &["human", "real person", "colleague"],
        needs_order: false,
        short: "A colleague will call you back within the hour.",
        more: "If you prefer e-mail, write to help@nordlicht.example and mention this conversation.",
        slip: "",
    },
    Topic {
        keywords: &["thank", "great, ", "perfect"],
        needs_order: false,
        short: "You are welcome!",
        more: "Is there anything else I can do for you?",
        slip: "",
    },
];

/// What this text is about, if it is about anything we know.
pub fn topic_of(text: &str) -> Option<&'static Topic> {
    let text = text.to_lowercase();
    TOPICS.iter().find(|topic| topic.keywords.iter().any(|word| text.contains(word)))
}

/// The order number in a text: `HC-` and five digits.
pub fn order_in(text: &str) -> Option<&str> {
    text.match_indices("HC-").find_map(|(at, mark)| {
        let digits = at + mark.len()..at + mark.len() + 5;
        let number = text.get(digits.clone())?;
        number.bytes().all(|b| b.is_ascii_digit()).then(|| &text[at..digits.end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_number_is_found_anywhere_and_nothing_else_is() {
        assert_eq!(order_in("HC- no, sorry: HC-48213, thanks"), Some("HC-48213"));
        assert_eq!(order_in("é HC-1234"), None);
        assert_eq!(order_in("HC-12é45"), None);
    }

    #[test]
    fn the_order_number_stands_exactly_where_it_is_needed() {
        for topic in &TOPICS {
            assert_eq!(topic.short.contains("{order}"), topic.needs_order, "{}", topic.short);
            assert!(!topic.more.contains("{order}"), "{}", topic.more);
        }
    }
}
