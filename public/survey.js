// <hypercare-survey token="…" [user] [event] [lang] [endpoint] [label-…]>: asks the survey that is due for this person, if there is one; else shows nothing.
// <script src="https://gateway/survey.js" defer></script>. No cookies, eval or inline styles.
(() => {
  "use strict";
  if (customElements.get("hypercare-survey")) return;
  const home = new URL(document.currentScript?.src || location).origin;
  const KEYS = "send dismiss sending failed".split(" ");
  const WORDS = {
    en: "Send|No, thanks|Sending…|This was not sent.",
    de: "Senden|Nein, danke|Wird gesendet …|Das wurde nicht gesendet.",
    fr: "Envoyer|Non merci|Envoi…|L’envoi a échoué.",
    es: "Enviar|No, gracias|Enviando…|No se ha enviado.",
  };
  const CSS = `
:host{display:block;max-width:32rem;color-scheme:light dark;font:var(--hcf-font,400 14px/1.45 system-ui,sans-serif);
--a:var(--hcf-accent,light-dark(#3452d9,#8ea6ff));--ai:var(--hcf-accent-ink,light-dark(#fff,#0d1015));--l:var(--hcf-line,#8b95a5);--r:var(--hcf-radius,8px)}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
form,p{background:var(--hcf-surface,Canvas);color:var(--hcf-ink,CanvasText);border:1px solid var(--l);border-radius:var(--r);margin:0;padding:12px}
form,label{display:grid;gap:12px}
label{gap:4px}
fieldset{border:0;margin:0;padding:0;min-width:0}
legend,b{padding:0 0 8px;font-weight:600}
button,textarea,.scale>*{font:inherit;color:inherit;background:none;border:1px solid var(--l);border-radius:var(--r);min-height:44px}
button{padding:0 12px;cursor:pointer}
.send,.scale :has(:checked){background:var(--a);border-color:var(--a);color:var(--ai)}
[aria-disabled]{opacity:.6}
[type=button]{border:0;text-decoration:underline}
.scale{display:grid;grid-template-columns:repeat(auto-fit,minmax(40px,1fr));gap:4px}
.scale>*{display:grid;place-items:center;position:relative}
input{position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;cursor:pointer}
.scale :has(:focus-visible),:focus-visible{outline:2px solid var(--a);outline-offset:2px}
.row{display:flex;flex-wrap:wrap;align-items:center;gap:8px}
.ends{justify-content:space-between;margin-top:4px}
textarea{width:100%;height:88px;padding:8px 12px;resize:vertical}
.bad{color:var(--hcf-bad,light-dark(#b3261e,#ff8a80))}
@media (forced-colors:active){.scale :has(:checked){forced-color-adjust:none;background:Highlight;color:HighlightText}}`;

  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children);
    return node;
  };
  let sheet;

  const mount = (host) => {
    const root = make("div");
    const given = (name) => host.getAttribute(name);
    let open;
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(CSS);
    host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    host.shadowRoot.append(root);

    const call = (path, options) => fetch((given("endpoint") || home).replace(/\/+$/, "") + "/v1/surveys/" + path,
      { credentials: "omit", signal: AbortSignal.timeout?.(15000), ...options });
    const tell = (detail) => host.dispatchEvent(new CustomEvent("hypercare-survey", { bubbles: true, composed: true, detail }));

    const ask = async () => {
      if (open || !host.isConnected || !given("token")) return;
      const query = new URLSearchParams();
      for (const name of ["token", "user", "event"]) if (given(name)) query.set(name, given(name));
      query.set("lang", host.closest("[lang]")?.lang || "");
      // Whatever goes wrong, nobody is bothered: there is no survey then.
      const answer = await call("next?" + query).catch(() => null);
      const survey = answer?.status === 200 && (await answer.json().catch(() => null));
      if (survey && !open) show(survey);
    };

    const show = (survey) => {
      const words = (WORDS[survey.lang.slice(0, 2)] || WORDS.en).split("|");
      const word = (key) => given("label-" + key) || words[KEYS.indexOf(key)];
      const { scale } = survey;
      const ends = scale && [scale.min + " = " + scale.low, scale.max + " = " + scale.high];
      open = true;
      const inputs = [];
      // The ends are read out with the numbers they belong to.
      for (let n = scale?.min; n <= scale?.max; n++)
        inputs.push(make("input", { type: "radio", name: "score", value: n, required: "", "aria-label": n === scale.min ? ends[0] : n === scale.max ? ends[1] : n }));
      const comment = make("textarea", { name: "comment", maxlength: 4000, ...(!scale && { required: "", "aria-label": survey.question }) });
      const field = make("label", {}, scale ? survey.follow_up : "", comment);
      field.hidden = scale && !survey.follow_up;
      const question = scale
        ? make("fieldset", { role: "radiogroup" }, make("legend", {}, survey.question),
          make("div", { class: "scale" }, ...inputs.map((input) => make("span", {}, input, input.value))),
          make("div", { class: "row ends", "aria-hidden": true }, ...ends.map((end) => make("span", {}, end))))
        : make("b", {}, survey.question);
      const send = make("button", { class: "send" }, word("send"));
      const dismiss = make("button", { type: "button" }, word("dismiss"));
      const status = make("span", { role: "status" });
      const problem = make("span", { role: "alert", class: "bad" });
      const form = make("form", { lang: survey.lang }, question, field, problem, make("div", { class: "row" }, send, dismiss, status));

      const post = (said) => call(survey.id + "/answers", { method: "POST", headers: { "content-type": "application/json" }, keepalive: true,
        body: JSON.stringify({ ticket: survey.ticket, ...said }) });
      dismiss.onclick = () => {
        open = false;
        root.replaceChildren();
        post({ dismissed: true }).catch(() => null);
        tell({ survey: survey.name, dismissed: true });
      };
      form.onsubmit = async (event) => {
        event.preventDefault();
        if (send.ariaDisabled) return;
        const chosen = inputs.find((input) => input.checked);
        const text = comment.value.trim();
        const said = { ...(chosen && { score: +chosen.value }), ...(text && { comment: text }) };
        send.ariaDisabled = true;
        status.textContent = word("sending");
        problem.textContent = "";
        let stored, wrong = "";
        try {
          const response = await post(said);
          stored = await response.json().catch(() => null);
          if (!response.ok) wrong = stored?.error?.message || word("failed");
        } catch (_) {
          wrong = word("failed");
        }
        send.ariaDisabled = null;
        status.textContent = "";
        if ((problem.textContent = wrong)) return;
        const inside = form.contains(host.shadowRoot.activeElement);
        const thanks = make("p", { role: "status", tabindex: -1, lang: survey.lang });
        open = false;
        root.replaceChildren(thanks);
        // Filled when it is there: then it is read out.
        thanks.textContent = survey.thanks;
        if (inside) thanks.focus();
        tell({ survey: survey.name, ...said, ...stored });
      };
      form.onkeydown = (event) => {
        if (event.key === "Escape" && !comment.value) dismiss.click();
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
      };
      root.replaceChildren(form);
    };
    return ask;
  };

  customElements.define("hypercare-survey", class extends HTMLElement {
    static observedAttributes = ["token", "user", "event"];
    connectedCallback() {
      this.ask = this.ask || mount(this);
      this.soon();
    }
    attributeChangedCallback(_, before, after) {
      if (this.ask && before !== after) this.soon();
    }
    // Attributes often change together.
    soon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.ask);
    }
  });
})();
