// Guessing the token. The last spec of all: it locks the door for a minute.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ask } from "./lib/http.mjs";
import { url } from "./lib/lab.mjs";

test("attempts: after some wrong tokens further ones are not even looked at", async () => {
  const headers = { "content-type": "application/json", origin: url };
  const guess = () => ask("/api/v1/session", { method: "POST", headers, body: JSON.stringify({ token: "wrong" }) });
  const answers = [];
  for (let attempt = 0; attempt < 12; attempt += 1) answers.push(await guess());
  assert.equal(answers[0].status, 401);
  assert.equal(answers.at(-1).status, 429);
  assert.ok(Number(answers.at(-1).headers["retry-after"]) > 0);
});
