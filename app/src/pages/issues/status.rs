//! The public page: known problems and what to do meanwhile. It needs no account and no database.

use crate::pages::shell::{Look, document};
use crate::parts::icon::Icon;
use crate::parts::items::When;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::issues::service::public::{self, StatusPage};
use hypercare::server::App;
use leptos::prelude::*;

pub async fn page(State(app): State<App>, look: Look) -> Response {
    let known = public::known(&app);
    document(StatusCode::OK, "Known problems", &look, Box::new(move || view_of(&known).into_any()))
}

fn view_of(page: &StatusPage) -> impl IntoView + use<> {
    let items = page.items.iter().map(|item| {
        let (class, words) = match item.status {
            "fixed" => ("badge ok", "fixed"),
            "watching" => ("badge info", "a fix is out"),
            "fixing" => ("badge watch", "being fixed"),
            _ => ("badge watch", "being looked into"),
        };
        let workaround = (!item.workaround.is_empty()).then(|| view! { <p><b>"Meanwhile: "</b>{item.workaround.clone()}</p> });
        view! {
            <section class="card stack"><div class="row wide"><h2>{item.title.clone()}</h2><span class=class>{words}</span></div>{workaround}
                <p class="small muted">"since "<When at=item.since/>", changed "<When at=item.updated_at/></p></section>
        }
    });
    let none = page.items.is_empty().then(|| view! { <section class="card empty-page"><h2>"No known problems"</h2><p>"If something is wrong all the same, please tell us with the feedback button."</p></section> });
    let at = page.at.map(|at| view! { <p class="small muted">"As of "<When at=at/></p> });
    view! {
        <main class="docs page" id="main"><div class="page-head"><h1 class="row"><Icon name="pulse"/>"Known problems"</h1></div>{none}{items.collect_view()}{at}</main>
    }
}
