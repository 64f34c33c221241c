// Who may come in, and from where.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, bearer, session, upgrade } from "./lib/http.mjs";
import { token, url } from "./lib/lab.mjs";

const json = { "content-type": "application/json" };

test("access: without a login every call of the API is refused", async () => {
  for (const [method, path] of [
    ["GET", "observed"], ["GET", "document"], ["GET", "versions"], ["GET", "changes"], ["GET", "live"], ["POST", "plan"],
    ["POST", "changes"], ["POST", "changes/undo"], ["POST", "proofs"], ["POST", "drafts/gateway"],
  ]) {
    const { status, headers } = await ask(`/api/v1/${path}`, { method, headers: json, body: method === "POST" ? "{}" : undefined });
    assert.equal(status, 401, `${method} ${path}`);
    assert.equal(headers["content-type"], "application/problem+json");
  }
  assert.equal((await ask("/api/openapi.json")).status, 401);
  assert.equal((await ask("/api/v1/live", { headers: { ...upgrade, origin: url } })).status, 401);
});

test("access: without a login a page leads to the login page, which shows nothing of the network", async () => {
  const { status, headers } = await ask("/");
  assert.equal(status, 303);
  assert.equal(headers.location, "/login");
  assert.doesNotMatch((await ask("/login")).text, /virbr0|192\.168\./);
});

test("access: a link with the token gives a cookie that scripts cannot read, and leaves the address bar", async () => {
  const { status, headers } = await ask(`/?token=${token}`);
  assert.equal(status, 303);
  assert.equal(headers.location, "/");
  assert.match(headers["set-cookie"][0], /HttpOnly/);
  assert.match(headers["set-cookie"][0], /SameSite=Strict/);
});

test("access: the token as a bearer serves scripts, and so does a session", async () => {
  assert.equal((await ask("/api/v1/observed", { headers: bearer })).status, 200);
  assert.equal((await ask("/api/v1/observed", { headers: await session() })).status, 200);
  assert.equal((await ask("/api/openapi.json", { headers: bearer })).status, 200);
});

test("access: a session counts only for requests from our own pages", async () => {
  const cookie = await session();
  const body = JSON.stringify({ cluster: {} });
  const plan = (headers) => ask("/api/v1/plan", { method: "POST", headers: { ...json, ...cookie, ...headers }, body });
  assert.equal((await plan({ origin: url })).status, 200);
  assert.equal((await plan({ origin: "https://example.org" })).status, 403);
  assert.equal((await plan({ origin: "null" })).status, 403);
  assert.equal((await plan({})).status, 403);
});

test("access: the live socket looks at the origin too", async () => {
  const cookie = await session();
  assert.equal((await ask("/api/v1/live", { headers: { ...upgrade, ...cookie, origin: url } })).status, 101);
  assert.equal((await ask("/api/v1/live", { headers: { ...upgrade, ...cookie, origin: "https://example.org" } })).status, 403);
  assert.equal((await ask("/api/v1/live", { headers: { ...upgrade, ...cookie } })).status, 403);
});

test("access: a foreign name that resolves to us is not us", async () => {
  const cookie = await session();
  const { status } = await ask("/api/v1/observed", { headers: { ...cookie, host: "rebound.example.org" } });
  assert.equal(status, 403);
});

test("access: pages run nothing but our own scripts", async () => {
  const { headers } = await ask("/", { headers: await session() });
  const policy = headers["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self' 'wasm-unsafe-eval'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /script-src[^;]*'unsafe-(inline|eval)'/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["referrer-policy"], "no-referrer");
});

test("access: what cannot be read is refused with the field's name, and changes nothing", async () => {
  const before = (await ask("/api/v1/document", { headers: bearer })).text;
  const refused = async (body, field) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await ask("/api/v1/plan", { method: "POST", headers: { ...json, ...bearer }, body: text });
    assert.ok(answer.status >= 400 && answer.status < 500, `${text.slice(0, 80)}: ${answer.status}`);
    assert.match(answer.text, field);
  };
  await refused("{", /./);
  await refused({ cluster: {}, more: 1 }, /more/);
  await refused({ cluster: { bridge: [{ name: "a/b" }] } }, /name/);
  await refused({ cluster: { bridge: [{ name: "x".repeat(16) }] } }, /name/);
  await refused({ cluster: { bridge: [{ name: "mybr0", address: "192.168.48.1/33" }] } }, /address/);
  await refused({ cluster: { nic: [{ guest: "node1", mac: "52:54:00", bridge: "mybr0" }] } }, /mac/);
  await refused({ cluster: { bridge: [{ name: "mybr0", colour: "red" }] } }, /colour/);
  await refused("x".repeat(3 << 20), /./);
  assert.equal((await ask("/api/v1/document", { headers: bearer })).text, before);
});
