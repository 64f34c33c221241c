// Requests as no browser would send them: any header, no following of redirects, upgrades included.
import { request } from "node:http";

import { token, url } from "./lab.mjs";

export const bearer = { authorization: `Bearer ${token}` };

/** `{ status, headers, text }` of one request. */
export function ask(path, { method = "GET", headers = {}, body } = {}) {
  return new Promise((done, failed) => {
    const sent = request(new URL(path, url), { method, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => done({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() }));
    });
    sent.on("upgrade", (response, socket) => {
      socket.destroy();
      done({ status: response.statusCode, headers: response.headers, text: "" });
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

/** The request that opens the live socket. */
export const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": Buffer.from("sixteen bytes ok").toString("base64"),
};

/** A session's cookie, as a `Cookie` header. */
export async function session() {
  const body = JSON.stringify({ token });
  const { headers } = await ask("/api/v1/session", { method: "POST", headers: { "content-type": "application/json", origin: url }, body });
  return { cookie: headers["set-cookie"][0].split(";")[0] };
}
