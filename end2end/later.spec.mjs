// What comes after the picture: fetched by itself, waited for by whoever needs it, asked for again when it does not come.
import assert from "node:assert/strict";
import { test } from "node:test";

import { drag, fresh, live, onPicture, rail } from "./lib/browser.mjs";
import { plug, sentences, tray } from "./lib/draft.mjs";
import { token, url } from "./lib/lab.mjs";

const module = "**/pkg/split_later.wasm";

/** A page that is live, and cannot fetch the rest until `come` is called. */
async function half() {
  const page = await fresh();
  await page.route(module, (route) => route.abort());
  await page.goto(`${url}/?token=${token}`);
  await page.locator(".fresh.live").waitFor();
  return { page, come: () => page.unroute(module) };
}

test("later: the picture is live before the rest is asked for", async () => {
  const page = await fresh();
  const before = [];
  await page.route(module, async (route) => {
    before.push(await page.locator(".fresh").getAttribute("class"));
    await route.continue();
  });
  await page.goto(`${url}/?token=${token}`);
  await live(page);
  assert.deepEqual(before, ["fresh live"]);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("later: a form says that it does not come, and opens when it does", async () => {
  const { page, come } = await half();
  await page.locator(".new-bridge").click();
  await page.getByText("could not be loaded").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("could not be loaded").waitFor({ state: "detached" });
  await page.locator(".new-bridge").click();
  await come();
  await page.getByRole("dialog").getByLabel("Name", { exact: true }).waitFor();
  assert.equal(await page.getByText("could not be loaded").count(), 0);
  await page.context().close();
});

test("later: what is selected is shown when it can be", async () => {
  const { page, come } = await half();
  await page.locator("#picture .card-name", { hasText: "node1" }).click();
  await page.getByRole("complementary").getByText("could not be loaded").waitFor();
  await come();
  await page.getByRole("heading", { name: "node1" }).waitFor();
  await page.context().close();
});

test("later: a cable that was dragged meanwhile becomes a draft", async () => {
  const { page, come } = await half();
  await drag(page, plug(page, "node2"), rail(page, "virbr0"));
  await tray(page).getByText("could not be loaded").waitFor();
  await come();
  await tray(page).getByRole("button", { name: "Apply" }).waitFor();
  assert.match((await sentences(page))[0], /node2/);
  await onPicture(page, "guest:node2").waitFor();
  await page.context().close();
});

test("later: the form of the login waits too", async () => {
  const page = await fresh();
  await page.route(module, (route) => route.abort());
  await page.goto(url);
  await page.locator("html[data-hydrated]").waitFor();
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("could not be loaded").waitFor();
  assert.equal(new URL(page.url()).search, "");
  await page.unroute(module);
  await live(page);
  await page.context().close();
});
