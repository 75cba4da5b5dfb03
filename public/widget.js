// <script src="https://gateway/widget.js" defer></script>, then for one answer:
// <hypercare-feedback token="…" [mode] [context] [user] [lang] [endpoint] [label-…]>
//   mode      thumbs (if absent); stars: one to five; inline: one small button; form: open at once, about a conversation or a page
//   context   '{"screen": "checkout"}': a JSON object that goes along as `metadata`
//   lang      en, de, fr, es; else that of the page. Any word can be the page's own: label-up="…", label-send="…"
// Colours and type: --hcf-accent, -accent-ink, -bad, -line, -ink, -surface, -radius, -font. No dependencies, cookies, eval, inline styles.
(() => {
  "use strict";
  if (customElements.get("hypercare-feedback")) return;
  const home = new URL(document.currentScript?.src || location).origin;
  const CATEGORIES = ["irrelevant", "inaccurate", "unhelpful", "forgot_context", "tone", "other"];
  const FLAGS = ["wrong", "biased", "harmful", "private_data", "other"];
  // Other languages are fetched when a page asks for one.
  const WORDS = {
    en: {
      up: "Good answer", down: "Bad answer", rate: "Rate this answer", star: "# of 5 stars", dislike: "I don’t like this", more: "Add a comment",
      ask: "What was wrong?", irrelevant: "Irrelevant", inaccurate: "Inaccurate", unhelpful: "Unhelpful", forgot_context: "Forgot what I said",
      tone: "Tone", other: "Other", comment: "Comment", correct: "What should it have said?", report: "Report a problem", none: "Nothing to report",
      wrong: "Wrong", biased: "Biased", harmful: "Harmful", private_data: "Private data", send: "Send", cancel: "Cancel", sending: "Sending…",
      thanks: "Thank you for your feedback.", empty: "Please say something first.", failed: "This was not sent.",
      offline: "You are offline. It will be sent when you are back.", retry: "Try again",
    },
  };
  const THUMB = "M7 10v11H3V10zM7 10l4-8c1.7 0 3 1.3 3 3v4h5.5a2 2 0 0 1 2 2.3l-1.2 8a2 2 0 0 1-2 1.7H7";
  const STAR = "M12 3l2.8 5.7 6.2.9-4.5 4.4 1.1 6.2-5.6-2.9-5.6 2.9 1.1-6.2L3 9.6l6.2-.9z";
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
.star{width:44px;height:44px;position:relative;display:grid;place-items:center}
.star svg{width:28px}
.star input{position:absolute;opacity:0;width:100%;height:100%;cursor:pointer}
.on{color:var(--a)}
.on svg{fill:currentColor}
[aria-pressed=true],.send{background:var(--a);border-color:var(--a);color:var(--ai)}
[aria-disabled=true]{opacity:.6}
.quiet{border:0;text-decoration:underline}
@media (pointer:fine){.say{min-height:32px;font-size:.93em}}
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
:focus-visible,:focus-visible+svg{outline:2px solid var(--a);outline-offset:2px}
@media (forced-colors:active){[aria-pressed=true]{forced-color-adjust:none;background:Highlight;color:HighlightText}}`;

  const make = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/" + (/svg|path/.test(tag) ? "2000/svg" : "1999/xhtml"), tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  };
  const aria = (node, name, value) => node.setAttribute("aria-" + name, value);
  const pressed = (node, onclick) => Object.assign(node, { onclick });
  const icon = (d) => make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, make("path", { d }));
  const all = new Set();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);

  const learn = async (lang) => {
    WORDS[lang] = null;
    try {
      WORDS[lang] = await (await fetch(home + "/widget/" + lang + ".json", { credentials: "omit" })).json();
      for (const widget of all) widget.show();
    } catch {}
  };

  const mount = (host) => {
    const texts = [];
    let language, turn, rating, said, sent, who, opened, busy, dirty, closing, offline, state, trouble, later, warned;

    const mode = () => host.getAttribute("mode");
    const low = () => rating === "down" || (rating > 0 && rating < 3);
    const asks = () => low() || mode() === "form";
    // Words on screen: the page's own (label-up="…"), else the language's.
    const word = (key) => host.getAttribute("label-" + key) || WORDS[language][key] || WORDS.en[key];
    const text = (tag, key, attributes) => {
      const node = make(tag, attributes);
      texts.push([node, key]);
      return node;
    };
    const button = (key, onclick) => pressed(text("button", key, { type: "button", class: "quiet" }), onclick);
    const labelled = (key, node) => make("label", {}, text("span", key), node);
    // Stars are tried out with arrow keys: only where one stays is sent.
    const rate = (value, wait) => {
      const again = rating === value && !trouble;
      rating = value;
      opened = low();
      show();
      if (again) return;
      clearTimeout(later);
      if (wait) later = setTimeout(push, 400);
      else push();
    };
    const thumb = (value) => pressed(make("button", { type: "button", class: "thumb " + value }, icon(THUMB)), () => rate(value));
    const thumbs = { up: thumb("up"), down: thumb("down") };
    const dislike = button("dislike", () => rate("down"));
    dislike.classList.add("say");
    const stars = [1, 2, 3, 4, 5].map((value) =>
      pressed(make("input", { type: "radio", name: "stars", value }), (event) => rate(value, !event.detail)));
    const group = make("div", { role: "radiogroup", class: "row" }, ...stars.map((star) => make("label", { class: "star" }, star, icon(STAR))));
    const more = button("more", () => {
      opened = true;
      show();
      (chips.hidden ? comment : boxes[0]).focus();
    });
    const status = make("span", { role: "status" });
    const boxes = CATEGORIES.map((value) => make("input", { type: "checkbox", name: "category", value }));
    const chips = make("fieldset", {}, text("legend", "ask"),
      make("div", { class: "row" }, ...boxes.map((box) => make("label", { class: "row chip" }, box, text("span", box.value)))));
    const comment = make("textarea", { maxlength: 4000, name: "comment", "aria-describedby": "count" });
    const counter = make("span", { id: "count" });
    const correction = make("textarea", { maxlength: 20000, name: "correction" });
    const correct = labelled("correct", correction);
    const flag = make("select", { name: "flag" }, text("option", "none", { value: "" }), ...FLAGS.map((value) => text("option", value, { value })));
    const send = text("button", "send", { class: "send" });
    const cancel = button("cancel", () => close());
    const form = make("form", { novalidate: "" }, chips, labelled("comment", comment), counter, correct, labelled("report", flag),
      make("div", { class: "row" }, send, cancel));
    const problem = make("span", { role: "alert" });
    const retry = button("retry", () => {
      (opened ? send : control()).focus();
      (closing ? submit : push)();
    });
    const bad = make("div", { class: "row bad" }, problem, retry);
    const root = make("div", {}, make("div", { class: "row" }, thumbs.up, thumbs.down, dislike, group, more, status), form, bad);
    // What the person rated with: the focus goes back there.
    const control = () => ({ stars: stars[rating - 1], inline: dislike, form: more })[mode()] || thumbs[rating];

    const count = () => (counter.textContent = comment.value.length + " / 4000");
    comment.oninput = count;
    form.onsubmit = (event) => {
      event.preventDefault();
      submit();
    };
    form.onkeydown = (event) => {
      if (event.key === "Escape" && !cancel.hidden) close();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
    };

    const show = () => {
      const now = mode();
      const lang = (host.closest("[lang]")?.lang || "").slice(0, 2).toLowerCase();
      if (/de|fr|es/.test(lang) && !(lang in WORDS)) learn(lang);
      root.lang = language = WORDS[lang] ? lang : "en";
      for (const [node, key] of texts) node.textContent = word(key);
      for (const value in thumbs) {
        const node = thumbs[value];
        node.title = word(value);
        aria(node, "label", word(value));
        aria(node, "pressed", rating === value);
        node.hidden = /stars|inline|form/.test(now);
      }
      dislike.hidden = now !== "inline";
      aria(dislike, "pressed", rating === "down");
      group.hidden = now !== "stars";
      aria(group, "label", word("rate"));
      stars.forEach((star, i) => {
        star.checked = rating === i + 1;
        aria(star, "label", word("star").replace("#", i + 1));
        star.parentNode.classList.toggle("on", rating > i);
      });
      more.hidden = opened || !(rating || now === "form");
      form.hidden = !opened;
      chips.hidden = !asks();
      correct.hidden = !low();
      cancel.hidden = now === "form";
      aria(send, "disabled", busy && closing);
      status.textContent = state && word(state);
      problem.textContent = trouble;
      bad.hidden = !trouble;
      count();
    };

    // Another answer: nothing of the last one stays.
    const reset = () => {
      clearTimeout(later);
      turn = {};
      rating = who = null;
      said = sent = { categories: null, comment: null, flag: null, correction: null };
      opened = mode() === "form";
      busy = dirty = closing = offline = false;
      state = trouble = "";
      form.reset();
    };

    // What was typed stays in the form, unsent.
    const close = () => {
      opened = closing = false;
      said = sent;
      show();
      control().focus();
    };

    // Nothing is left out; what was sent and is empty now is taken back.
    const typed = (field) => field.value.trim() || (sent[field.name] ? "" : null);

    const submit = () => {
      if (busy && closing) return;
      said = {
        categories: boxes.filter((box) => box.checked).map((box) => box.value),
        comment: typed(comment),
        flag: flag.value || null,
        correction: typed(correction),
      };
      comment.setCustomValidity(rating || said.comment || said.flag || said.categories[0] ? "" : word("empty"));
      if (!comment.reportValidity()) return;
      closing = true;
      push();
    };

    // The page's own words about where this is; a mistake in them must not cost the feedback.
    const metadata = () => {
      const context = host.getAttribute("context");
      if (!context) return null;
      try {
        if (/^\s*{/.test(context) && new Blob([context]).size <= 4096) return JSON.parse(context);
      } catch {}
      if (!warned) console.warn("hypercare-feedback: context is no JSON object of 4 KiB or less");
      warned = true;
      return null;
    };

    // One post at a time, so that the last word wins; what changed meanwhile goes next.
    const push = async () => {
      clearTimeout(later);
      dirty = busy;
      if (busy) return;
      const now = turn;
      const done = closing;
      const detail = rating > 0 ? { rating: null, stars: rating, ...said } : { rating, stars: null, ...said };
      if (!asks()) detail.categories = [];
      if (!low()) detail.correction = sent.correction && "";
      // The server knows an opinion by token and user: a user named later would be a second opinion.
      who ||= { user: host.getAttribute("user") };
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
          body: JSON.stringify({ token: host.getAttribute("token"), ...detail, metadata: metadata(), ...who }),
          credentials: "omit",
          keepalive: true,
          signal: abort.signal,
        });
        answer = await response.json().catch(() => null);
        if (!response.ok) wrong = answer?.error?.message || word("failed");
      } catch {
        wrong = word(navigator.onLine ? "failed" : "offline");
      }
      clearTimeout(timer);
      if (now !== turn) return;
      busy = false;
      if (dirty) return push();
      offline = wrong && !navigator.onLine;
      trouble = wrong || "";
      state = wrong ? "" : "thanks";
      if (wrong) return show();
      sent = said;
      const inside = done && form.contains(host.shadowRoot.activeElement);
      if (done) opened = closing = false;
      show();
      if (inside) control().focus();
      host.dispatchEvent(new CustomEvent("hypercare-feedback", { bubbles: true, composed: true, detail: { ...detail, ...answer } }));
    };

    host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    host.shadowRoot.append(root);
    reset();
    show();
    return { reset, show, online: () => offline && push() };
  };

  customElements.define("hypercare-feedback", class extends HTMLElement {
    static observedAttributes = ["token", "lang", "mode"];
    connectedCallback() {
      all.add((this.hcf ||= mount(this)));
      addEventListener("online", this.hcf.online);
    }
    disconnectedCallback() {
      all.delete(this.hcf);
      removeEventListener("online", this.hcf.online);
    }
    attributeChangedCallback(name, before, after) {
      if (!this.hcf || before === after) return;
      if (name !== "lang") this.hcf.reset();
      this.hcf.show();
    }
  });
})();
