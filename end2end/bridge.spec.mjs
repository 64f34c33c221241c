// Bridges: made, edited, refused and deleted by hand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { open, rail } from "./lib/browser.mjs";
import { apply, draftBridge, fillBridge, sentences, tray } from "./lib/draft.mjs";
import { cleared, run, settled, structure, until } from "./lib/lab.mjs";

test("bridge: nothing happens before Apply, and Discard leaves nothing", async () => {
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  assert.match(await rail(page, "mybr0").innerText(), /draft: not real yet/);
  assert.match(await tray(page).innerText(), /nothing has happened yet/);
  assert.ok((await sentences(page)).length > 0);
  await assert.rejects(run("ip", "link", "show", "mybr0"));
  await tray(page).getByRole("button", { name: "Discard", exact: true }).click();
  await rail(page, "mybr0").waitFor({ state: "detached" });
  await page.context().close();
});

test("bridge: made, edited, undone and deleted; the host is as it was", async () => {
  const before = await structure();
  const page = await open();

  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await apply(page);
  assert.match(await run("ip", "-o", "-4", "address", "show", "dev", "mybr0"), /192\.168\.48\.1\/24/);
  await rail(page, "mybr0").filter({ hasText: "made by Bridgehead" }).waitFor();

  await rail(page, "mybr0").click();
  await page.getByRole("button", { name: "Edit…" }).click();
  await page.getByRole("dialog").getByLabel(/^MTU/).fill("1400");
  await page.getByRole("button", { name: "Add to the draft" }).click();
  await apply(page);
  assert.match(await run("ip", "-o", "link", "show", "mybr0"), /mtu 1400/);

  await tray(page).getByRole("button", { name: "Undo" }).click();
  await until(async () => /mtu 1500/.test(await run("ip", "-o", "link", "show", "mybr0")), "the old MTU");

  await rail(page, "mybr0").click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await apply(page);
  await rail(page, "mybr0").waitFor({ state: "detached" });
  await settled(async () => assert.deepEqual(await structure(), before));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("bridge: a subnet that overlaps libvirt's is refused, and named", async () => {
  const page = await open();
  await fillBridge(page, "mybr0", "192.168.122.200/24");
  await tray(page).locator(".note.block").filter({ hasText: /192\.168\.122\.[01]/ }).waitFor();
  assert.ok(await tray(page).getByRole("button", { name: "Apply" }).isDisabled());
  await page.context().close();
});

test("bridge: what is not an address is refused in the form", async () => {
  const page = await open();
  await page.locator(".new-bridge").click();
  const form = page.getByRole("dialog");
  await form.getByLabel(/^Addresses of the host/).fill("192.168.48.300/24");
  await form.getByRole("alert").filter({ hasText: "192.168.48.300/24" }).waitFor();
  assert.ok(await form.getByRole("button", { name: "Add to the draft" }).isDisabled());
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  await page.context().close();
});

test("bridge: a change made by one browser is seen by another", async () => {
  const [one, other] = [await open(), await open()];
  await draftBridge(one, "mybr1", "192.168.49.1/24");
  await apply(one);
  await rail(other, "mybr1").waitFor();
  await cleared();
  await rail(other, "mybr1").waitFor({ state: "detached" });
  await one.context().close();
  await other.context().close();
});
