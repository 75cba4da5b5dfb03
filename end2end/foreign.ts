// A page of somebody else's: another origin, with the strictest policy a bank would send.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ForeignPage {
  url: string;
  close(): Promise<void>;
}

/** Serves one answer of the model with the widget under it. Only scripts from, and connections to, the gateway are allowed; no styles at all. */
export async function startForeignPage(gateway: string, token: string, answer: string): Promise<ForeignPage> {
  return startPage(gateway, "widget.js", `<p>${answer}</p><hypercare-feedback token="${token}"></hypercare-feedback>`);
}

/** The same with the survey that is due, in a page of that language. */
export async function startSurveyPage(gateway: string, attributes: string, language = "en"): Promise<ForeignPage> {
  return startPage(gateway, "survey.js", `<hypercare-survey ${attributes}></hypercare-survey>`, language);
}

async function startPage(gateway: string, script: string, body: string, language = "en"): Promise<ForeignPage> {
  const html = `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>Lamp shop</title>
<script src="${gateway}/${script}" defer></script></head>
<body><main><h1>Lamp shop</h1>${body}</main></body></html>`;
  const server = createServer((request, response) => {
    if (request.url !== "/") {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; script-src ${gateway}; connect-src ${gateway}`,
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
