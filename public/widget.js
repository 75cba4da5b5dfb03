// <hypercare-feedback token="…" [endpoint] [lang] [user] [label-…]>: thumbs, and a few words after them, about one answer.
// <script src="https://gateway/widget.js" defer></script>. No dependencies, cookies, eval or inline styles.
(() => {
  "use strict";
  if (customElements.get("hypercare-feedback")) return;
  const home = new URL(document.currentScript?.src || location).origin;
  const MOST = 4000;
  const CATEGORIES = ["irrelevant", "inaccurate", "unhelpful", "forgot_context", "tone", "other"];
  const FLAGS = ["wrong", "biased", "harmful", "private_data", "other"];
  const KEYS = ("up down more ask irrelevant inaccurate unhelpful forgot_context tone other comment report none wrong biased harmful " +
    "private_data send cancel sending thanks failed offline retry").split(" ");
  const WORDS = {
    en: "Good answer|Bad answer|Add a comment|What was wrong?|Irrelevant|Inaccurate|Unhelpful|Forgot what I said|Tone|Other|Comment|" +
      "Report a problem|Nothing to report|Wrong|Biased|Harmful|Private data|Send|Cancel|Sending…|Thank you for your feedback.|" +
      "This was not sent.|You are offline. It will be sent when you are back.|Try again",
    de: "Gute Antwort|Schlechte Antwort|Kommentar hinzufügen|Was war nicht gut?|Passt nicht|Ungenau|Nicht hilfreich|Hat Gesagtes vergessen|" +
      "Tonfall|Anderes|Kommentar|Problem melden|Nichts zu melden|Falsch|Voreingenommen|Schädlich|Private Daten|Senden|Abbrechen|Wird gesendet …|" +
      "Danke für die Rückmeldung.|Das wurde nicht gesendet.|Keine Verbindung. Es wird gesendet, sobald sie wieder da ist.|Noch einmal",
    fr: "Bonne réponse|Mauvaise réponse|Ajouter un commentaire|Qu’est-ce qui n’allait pas ?|Hors sujet|Inexact|Inutile|A oublié mes propos|" +
      "Ton|Autre|Commentaire|Signaler un problème|Rien à signaler|Faux|Partial|Nuisible|Données privées|Envoyer|Annuler|Envoi…|" +
      "Merci pour votre avis.|L’envoi a échoué.|Hors ligne. L’envoi se fera au retour de la connexion.|Réessayer",
    es: "Buena respuesta|Mala respuesta|Añadir un comentario|¿Qué estuvo mal?|No viene al caso|Inexacto|No ayuda|Olvidó lo que dije|Tono|Otro|" +
      "Comentario|Informar de un problema|Nada que informar|Incorrecto|Sesgado|Dañino|Datos privados|Enviar|Cancelar|Enviando…|" +
      "Gracias por su opinión.|No se ha enviado.|Sin conexión. Se enviará cuando vuelva.|Reintentar",
  };
  const THUMB = "M7 10v11H3V10zM7 10l4-8c1.7 0 3 1.3 3 3v4h5.5a2 2 0 0 1 2 2.3l-1.2 8a2 2 0 0 1-2 1.7H7";
  const CSS = `
:host{display:block;max-width:32rem;color-scheme:light dark;font:var(--hcf-font,400 14px/1.45 system-ui,sans-serif);
--a:var(--hcf-accent,#3452d9);--ai:var(--hcf-accent-ink,#fff);--b:var(--hcf-bad,#b3261e);--l:var(--hcf-line,#8b95a5);--r:var(--hcf-radius,8px)}
@media (prefers-color-scheme:dark){:host{--a:var(--hcf-accent,#8ea6ff);--ai:var(--hcf-accent-ink,#0d1015);--b:var(--hcf-bad,#ff8a80)}}
:host([hidden]),:host(:not([token])),:host([token=""]),[hidden]{display:none!important}
*{box-sizing:border-box}
button,select,textarea,.chip{font:inherit;color:inherit;background:none;border:1px solid var(--l);border-radius:var(--r);min-height:44px;min-width:44px;padding:0 12px}
button,.chip{cursor:pointer}
.thumb{padding:0;display:grid;place-items:center}
svg{width:20px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
.down svg{transform:rotate(180deg)}
[aria-pressed=true],.send{background:var(--a);border-color:var(--a);color:var(--ai)}
[aria-disabled=true]{opacity:.6}
.quiet{border:0;text-decoration:underline}
form,.bad{background:var(--hcf-surface,Canvas);color:var(--hcf-ink,CanvasText);border:1px solid var(--l);border-radius:var(--r);margin-top:8px;padding:12px}
form,label{display:grid;gap:12px}
.bad{border-color:var(--b);color:var(--b)}
fieldset{border:0;margin:0;padding:0}
legend{padding:0 0 6px}
label{gap:4px}
.row{display:flex;flex-wrap:wrap;align-items:center;gap:8px}
select,textarea{width:100%;background:inherit}
textarea{height:88px;padding:8px 12px;resize:vertical}
option{background:Canvas;color:CanvasText}
.chip{border-radius:22px}
input{accent-color:var(--a);width:16px;height:16px;margin:0}
#count{justify-self:end;margin-top:-8px}
:focus-visible{outline:2px solid var(--a);outline-offset:2px}
@media (forced-colors:active){[aria-pressed=true]{forced-color-adjust:none;background:Highlight;color:HighlightText}}
@media (prefers-reduced-motion:no-preference){button{transition:background .15s}}`;

  const make = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/" + (/svg|path/.test(tag) ? "2000/svg" : "1999/xhtml"), tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  };
  let sheet;

  const mount = (host) => {
    const texts = [];
    let language, turn, rating, said, sent, who, opened, busy, dirty, closing, offline, state, trouble;

    // Words on screen: the page's own (label-up="…"), else the language's.
    const word = (key) => host.getAttribute("label-" + key) || WORDS[language].split("|")[KEYS.indexOf(key)];
    const text = (tag, key, attributes) => {
      const node = make(tag, attributes);
      texts.push([node, key]);
      return node;
    };
    const button = (key, onclick) => Object.assign(text("button", key, { type: "button", class: "quiet" }), { onclick });
    const thumb = (value) => {
      const icon = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, make("path", { d: THUMB }));
      const node = make("button", { type: "button", class: "thumb " + value }, icon);
      node.onclick = () => {
        const again = rating === value && !trouble;
        rating = value;
        opened = value === "down";
        show();
        if (!again) push();
      };
      return node;
    };
    const thumbs = { up: thumb("up"), down: thumb("down") };
    const more = button("more", () => {
      opened = true;
      show();
      (chips.hidden ? comment : boxes[0]).focus();
    });
    const status = make("span", { role: "status" });
    const boxes = CATEGORIES.map((value) => make("input", { type: "checkbox", name: "category", value }));
    const chips = make("fieldset", {}, text("legend", "ask"),
      make("div", { class: "row" }, ...boxes.map((box) => make("label", { class: "row chip" }, box, text("span", box.value)))));
    const comment = make("textarea", { maxlength: MOST, name: "comment", "aria-describedby": "count" });
    const counter = make("span", { id: "count" });
    const flag = make("select", { name: "flag" }, text("option", "none", { value: "" }), ...FLAGS.map((value) => text("option", value, { value })));
    const send = text("button", "send", { class: "send" });
    const form = make("form", {}, chips, make("label", {}, text("span", "comment"), comment), counter,
      make("label", {}, text("span", "report"), flag), make("div", { class: "row" }, send, button("cancel", () => close())));
    const problem = make("span", { role: "alert" });
    const retry = button("retry", () => {
      (opened ? send : thumbs[rating]).focus();
      (closing ? submit : push)();
    });
    const bad = make("div", { class: "row bad" }, problem, retry);
    const root = make("div", {}, make("div", { class: "row" }, thumbs.up, thumbs.down, more, status), form, bad);

    const count = () => (counter.textContent = comment.value.length + " / " + MOST);
    comment.oninput = count;
    form.onsubmit = (event) => {
      event.preventDefault();
      submit();
    };
    form.onkeydown = (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
    };

    const show = () => {
      const lang = (host.closest("[lang]")?.lang || "").slice(0, 2).toLowerCase();
      root.lang = language = WORDS[lang] ? lang : "en";
      for (const [node, key] of texts) node.textContent = word(key);
      for (const value in thumbs) {
        thumbs[value].title = word(value);
        thumbs[value].setAttribute("aria-label", word(value));
        thumbs[value].setAttribute("aria-pressed", rating === value);
      }
      more.hidden = !rating || opened;
      form.hidden = !opened;
      chips.hidden = rating !== "down";
      send.setAttribute("aria-disabled", busy && closing);
      status.textContent = state && word(state);
      problem.textContent = trouble;
      bad.hidden = !trouble;
      count();
    };

    // Another answer: nothing of the last one stays.
    const reset = () => {
      turn = {};
      rating = who = null;
      said = sent = { categories: [], comment: null, flag: null };
      opened = busy = dirty = closing = offline = false;
      state = trouble = "";
      form.reset();
    };

    // What was typed stays in the form, unsent.
    const close = () => {
      opened = closing = false;
      said = sent;
      show();
      thumbs[rating].focus();
    };

    const submit = () => {
      if (busy && closing) return;
      said = {
        categories: boxes.filter((box) => box.checked).map((box) => box.value),
        comment: comment.value.trim() || null,
        flag: flag.value || null,
      };
      closing = true;
      push();
    };

    // One post at a time, so that the last word wins; what changed meanwhile goes next.
    const push = async () => {
      dirty = busy;
      if (busy) return;
      const now = turn;
      const done = closing;
      const detail = { rating, ...said };
      if (rating === "up") detail.categories = [];
      // The server knows an opinion by token and user: a user named later would be a second opinion.
      who = who || { user: host.getAttribute("user") };
      busy = true;
      offline = false;
      state = "sending";
      trouble = "";
      show();
      let answer, wrong;
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), 15000);
      try {
        const response = await fetch((host.getAttribute("endpoint") || home).replace(/\/+$/, "") + "/v1/feedback", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ token: host.getAttribute("token"), ...detail, ...who }),
          credentials: "omit",
          keepalive: true,
          signal: abort.signal,
        });
        answer = await response.json().catch(() => null);
        if (!response.ok) wrong = answer?.error?.message || word("failed");
      } catch (_) {
        wrong = word(navigator.onLine ? "failed" : "offline");
      }
      clearTimeout(timer);
      if (now !== turn) return;
      busy = false;
      if (dirty) return push();
      offline = wrong && !navigator.onLine;
      trouble = wrong || "";
      state = wrong ? "" : "thanks";
      const inside = !wrong && done && form.contains(host.shadowRoot.activeElement);
      if (!wrong) sent = said;
      if (!wrong && done) opened = closing = false;
      show();
      if (inside) thumbs[rating].focus();
      if (!wrong) host.dispatchEvent(new CustomEvent("hypercare-feedback", { bubbles: true, composed: true, detail: { ...detail, ...answer } }));
    };

    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(CSS);
    host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    host.shadowRoot.append(root);
    reset();
    show();
    return { reset, show, online: () => offline && push() };
  };

  customElements.define("hypercare-feedback", class extends HTMLElement {
    static get observedAttributes() {
      return ["token", "lang"];
    }
    connectedCallback() {
      this.hcf = this.hcf || mount(this);
      addEventListener("online", this.hcf.online);
    }
    disconnectedCallback() {
      removeEventListener("online", this.hcf.online);
    }
    attributeChangedCallback(name, before, after) {
      if (!this.hcf || before === after) return;
      if (name === "token") this.hcf.reset();
      this.hcf.show();
    }
  });
})();
