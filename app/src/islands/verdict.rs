//! Whether it goes well, technically and for people: the first thing on the overview. It looks again when somebody says something.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use crate::parts::icon::Icon;
use hypercare::feedback::model::experience::{Concern, Experience, Light, Side};
use leptos::prelude::*;

/// The two sides, and what people are not happy with.
#[island]
pub fn Verdict(
    /// As the server saw it.
    experience: Experience,
) -> impl IntoView {
    let now = RwSignal::new(experience);
    Effect::new(move |_| browser::follow(now));
    view! {
        <section class="verdict" aria-label="Verdict" aria-live="polite">
            {move || now.with(|e| side("Technology", "technology", &e.technical, Vec::new()).into_any())}
            {move || now.with(|e| side("Users", "users", &e.users, e.concerns.clone()).into_any())}
        </section>
    }
}

const fn icon(light: Light) -> &'static str {
    match light {
        Light::Ok => "ok",
        Light::Unknown => "pulse",
        Light::Watch | Light::Bad => "error",
    }
}

fn side(name: &'static str, id: &'static str, side: &Side, concerns: Vec<Concern>) -> impl IntoView + use<> {
    let lines = concerns
        .into_iter()
        .take(4)
        .map(|c| view! { <li><span class=format!("badge {}", c.light.as_str())>{c.light.label()}</span>" "<a class="link" href=c.link>{c.words}</a></li> }.into_any())
        .collect::<Vec<_>>();
    let words = lines.is_empty().then(|| view! { <p>{side.words.clone()}</p> });
    let list = (!lines.is_empty()).then(|| view! { <ul class="plain-list">{lines}</ul> });
    view! {
        <div class=format!("card side {}", side.light.as_str()) data-side=id data-light=side.light.as_str()>
            <h2><Icon name=icon(side.light)/>{name}<span class=format!("badge {}", side.light.as_str())>{side.light.label()}</span></h2>
            {words}{list}
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::Experience;
    use crate::islands::live::subscribe;
    use gloo_net::http::Request;
    use hypercare::feedback::model::Feedback;
    use leptos::prelude::*;
    use std::time::Duration;

    /// Not more often than this, however much is said.
    const SOON: Duration = Duration::from_secs(2);
    /// Looks without news: calls move the numbers too.
    const EVERY: u32 = 15;

    /// Looks again when something was said, and now and then.
    pub fn follow(now: RwSignal<Experience>) {
        let news = StoredValue::new(false);
        let waited = StoredValue::new(0_u32);
        subscribe::<Feedback>("feedback", move |_| news.set_value(true));
        set_interval(
            move || {
                waited.update_value(|n| *n += 1);
                if news.get_value() || waited.get_value() >= EVERY {
                    news.set_value(false);
                    waited.set_value(0);
                    leptos::task::spawn_local(look(now));
                }
            },
            SOON,
        );
    }

    async fn look(now: RwSignal<Experience>) {
        let range = now.with_untracked(|e| e.range.clone());
        // Without an answer the last one stays; the dot in the top bar says how old numbers are.
        let Ok(answer) = Request::get(&format!("/api/v1/feedback/experience?range={range}")).send().await else { return };
        if answer.ok()
            && let Ok(fresh) = answer.json::<Experience>().await
        {
            now.set(fresh);
        }
    }
}

#[cfg(not(feature = "hydrate"))]
mod browser {
    use super::Experience;
    use leptos::prelude::RwSignal;

    /// On the server nothing moves.
    pub fn follow(_: RwSignal<Experience>) {}
}
