// Drafts of several entries: kept by the server, left out one by one, and seen by the other operators.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fresh, live, open, rail } from "./lib/browser.mjs";
import { apply, draftBridge, tray } from "./lib/draft.mjs";
import { api, apply as applied, cleared, run, token, until, url } from "./lib/lab.mjs";

const edits = (page) => page.getByRole("list", { name: "Edits" }).getByRole("listitem");

test("draft: it survives a reload, and is the same on all pages of an operator", async () => {
  await cleared();
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await until(async () => (await api("GET", "drafts")).length === 1, "the server to keep it");
  await page.reload();
  await live(page);
  await edits(page).filter({ hasText: "mybr0: added" }).waitFor();
  await rail(page, "mybr0").waitFor();

  const second = await page.context().newPage();
  await second.goto(url);
  await live(second);
  await edits(second).filter({ hasText: "mybr0: added" }).waitFor();
  await draftBridge(second, "mybr1", "192.168.49.1/24");
  await edits(page).filter({ hasText: "mybr1: added" }).waitFor();

  // Each entry can be left out alone.
  await page.getByRole("button", { name: "Discard: Bridge mybr0: added" }).click();
  await edits(second).filter({ hasText: "mybr0" }).waitFor({ state: "detached" });
  assert.equal(await edits(second).count(), 1);
  await tray(second).getByRole("button", { name: "Discard", exact: true }).click();
  await tray(page).waitFor({ state: "detached" });
  await until(async () => (await api("GET", "drafts")).length === 0, "the server to forget it");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("draft: several edits are applied as one change, all or nothing", async () => {
  await cleared();
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await draftBridge(page, "mybr1", "192.168.49.1/24");
  assert.equal(await edits(page).count(), 2);
  const { version } = await api("GET", "document");
  await apply(page);
  const document = await api("GET", "document");
  assert.equal(document.version, version + 1);
  assert.deepEqual(document.cluster.bridge.map(({ name }) => name), ["mybr0", "mybr1"]);
  assert.deepEqual(await api("GET", "drafts"), []);
  await tray(page).getByRole("button", { name: "Undo" }).click();
  await until(async () => !(await run("ip", "-brief", "link")).includes("mybr1"), "the bridges to go");
  await cleared();
  await page.context().close();
});

test("draft: operators see each other's drafts, are told of conflicts, and a draft moves on with the document", async () => {
  await cleared();
  const [one, other] = [await open(), await open()];
  await draftBridge(one, "mybr0", "192.168.48.1/24");
  await other.getByRole("button", { name: "1 other draft" }).click();
  const theirs = other.getByRole("dialog").locator(".note");
  await theirs.filter({ hasText: "Bridge mybr0: added" }).waitFor();
  await other.getByRole("dialog").getByText("What it would do").click();
  await theirs.getByText("Make the bridge mybr0").waitFor();
  await other.keyboard.press("Escape");

  await draftBridge(other, "mybr0", "192.168.50.1/24");
  for (const page of [one, other]) await tray(page).getByText("is drafting bridge mybr0 too").waitFor();

  // Somebody is first: the other draft is carried over, and says what it would replace.
  await apply(one);
  await tray(other).getByText("bridge mybr0 has been changed since this draft did so").waitFor();
  await edits(other).filter({ hasText: "mybr0: changed" }).waitFor();
  await applied({ bridge: [{ name: "mybr0", address: "192.168.48.1/24" }, { name: "mybr1" }] });
  await rail(other, "mybr1").filter({ hasText: "made by Bridgehead" }).waitFor();
  assert.equal(await edits(other).count(), 1, "what others add is none of its edits");
  await apply(other);
  assert.match(await run("ip", "-o", "-4", "address", "show", "dev", "mybr0"), /192\.168\.50\.1\/24/);
  assert.match(await run("ip", "-o", "link", "show", "dev", "mybr1"), /mybr1/);
  await cleared();
  for (const page of [one, other]) {
    assert.deepEqual(page.errors, []);
    await page.context().close();
  }
});

test("draft: somebody else's draft can be added to one's own; logging out forgets one's own", async () => {
  await cleared();
  const [one, other] = [await open(), await fresh()];
  await draftBridge(one, "mybr0", "192.168.48.1/24");
  await other.goto(`${url}/?token=${token}`);
  await live(other);
  await other.getByRole("button", { name: "1 other draft" }).click();
  await other.getByRole("dialog").getByRole("button", { name: "Add to my draft" }).click();
  await edits(other).filter({ hasText: "mybr0: added" }).waitFor();
  await until(async () => (await api("GET", "drafts")).length === 2, "both to be kept");
  await one.getByRole("button", { name: "Log out" }).click();
  await until(async () => (await api("GET", "drafts")).length === 1, "one to be forgotten");
  await tray(other).getByRole("button", { name: "Discard", exact: true }).click();
  await one.context().close();
  await other.context().close();
});
