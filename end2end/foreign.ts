// A page of somebody else's: another origin, with the strictest policy a bank would send.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ForeignPage {
  url: string;
  close(): Promise<void>;
}

export interface ForeignOptions {
  /** More attributes of the widget, as they stand in the page: `mode="stars"`. */
  attributes?: string;
  /** The page's language. */
  lang?: string;
  /** A style sheet of the page's own origin, which is allowed then. */
  css?: string;
}

/** Serves one answer of the model with the widget under it. Only scripts from, and connections to, the gateway are allowed; no styles at all. */
export async function startForeignPage(gateway: string, token: string, answer: string, options: ForeignOptions = {}): Promise<ForeignPage> {
  const { attributes = "", ...page } = options;
  return startPage(gateway, "widget.js", `<p>${answer}</p><hypercare-feedback token="${token}" ${attributes}></hypercare-feedback>`, page);
}

/** The same with the survey that is due, in a page of that language. */
export async function startSurveyPage(gateway: string, attributes: string, lang = "en"): Promise<ForeignPage> {
  return startPage(gateway, "survey.js", `<hypercare-survey ${attributes}></hypercare-survey>`, { lang });
}

async function startPage(gateway: string, script: string, body: string, page: { lang?: string; css?: string }): Promise<ForeignPage> {
  const { lang = "en", css } = page;
  const style = css === undefined ? "" : `<link rel="stylesheet" href="/shop.css">`;
  const html = `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>Lamp shop</title>${style}
<script src="${gateway}/${script}" defer></script></head>
<body><main><h1>Lamp shop</h1>${body}</main></body></html>`;
  const server = createServer((request, response) => {
    if (css !== undefined && request.url === "/shop.css") {
      response.writeHead(200, { "content-type": "text/css" }).end(css);
      return;
    }
    if (request.url !== "/") {
      response.writeHead(404).end();
      return;
    }
    const styles = css === undefined ? "" : "; style-src 'self'";
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; script-src ${gateway}; connect-src ${gateway}${styles}`,
    });
    response.end(html);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
