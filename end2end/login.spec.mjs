// Logging in and out.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fresh, live } from "./lib/browser.mjs";
import { token, url } from "./lib/lab.mjs";

test("login: the printed link logs in, and the token leaves the address bar", async () => {
  const page = await fresh();
  await page.goto(`${url}/?token=${token}`);
  await live(page);
  assert.equal(page.url(), `${url}/`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("login: by the form, and out again", async () => {
  const page = await fresh();
  await page.goto(url);
  assert.equal(new URL(page.url()).pathname, "/login");
  await page.locator("html[data-hydrated]").waitFor();
  await page.getByLabel("Token").fill("not the token");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await live(page);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL("**/login");
  await page.goto(url);
  assert.equal(new URL(page.url()).pathname, "/login");
  await page.context().close();
});
