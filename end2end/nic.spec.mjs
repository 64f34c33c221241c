// NICs: plugged in by drag and by form, moved, addressed, their cable pulled, unplugged.
import assert from "node:assert/strict";
import { test } from "node:test";

import { drag, onPicture, open, rail } from "./lib/browser.mjs";
import { apply, draftBridge, plug, sentences, tray } from "./lib/draft.mjs";
import { api, bridgehead, cleared, run, settled, structure, until } from "./lib/lab.mjs";

/** The NICs of a guest, as libvirt has them: `{ mac, source }`. */
async function nics(guest, ...flags) {
  const lines = (await run("virsh", "domiflist", guest, ...flags)).trim().split("\n").slice(2);
  return lines.map((line) => line.trim().split(/\s+/)).map(([tap, , source, , mac]) => ({ tap, source, mac }));
}

test("nic: dragged from guest to bridge, addressed, moved, pulled and unplugged; all is as it was", async () => {
  const before = await structure();
  const old = (await nics("node2")).map(({ mac }) => mac);
  const page = await open();

  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await drag(page, plug(page, "node2"), rail(page, "mybr0"));
  await page.locator("#picture .socket-text", { hasText: "new NIC" }).waitFor();
  assert.deepEqual((await nics("node2")).map(({ mac }) => mac), old, "a draft is not real");
  await apply(page);

  const made = (await nics("node2")).find(({ mac }) => !old.includes(mac));
  assert.equal(made.source, "mybr0");
  assert.ok((await nics("node2", "--inactive")).some(({ mac }) => mac === made.mac), "it survives a reboot");
  await onPicture(page, `nic:${made.mac}`).waitFor();

  await page.locator("#picture .card-name", { hasText: "node2" }).click();
  const card = page.locator("section.nic").filter({ hasText: made.mac });
  await card.getByRole("button", { name: "Address…" }).click();
  await page.getByRole("dialog").getByLabel(/^Address with prefix length/).fill("192.168.48.30/24");
  await page.getByRole("button", { name: "Add to the draft" }).click();
  await apply(page);
  await run("ping", "-c1", "-W2", "192.168.48.30");
  await card.filter({ hasText: "192.168.48.30/24" }).waitFor();

  await card.getByRole("button", { name: "Pull the cable" }).click();
  await apply(page);
  assert.match(await run("virsh", "domif-getlink", "node2", made.tap), /down/);
  await card.getByRole("button", { name: "Plug the cable in" }).click();
  await apply(page);
  assert.match(await run("virsh", "domif-getlink", "node2", made.tap), /up/);

  await drag(page, onPicture(page, `nic:${made.mac}`), rail(page, "virbr0"));
  await apply(page);
  assert.equal((await nics("node2")).find(({ mac }) => mac === made.mac).source, "default");

  await card.getByRole("button", { name: "Unplug" }).click();
  await apply(page);
  await until(async () => (await nics("node2")).length === old.length, "the NIC to go");
  assert.deepEqual(page.errors, []);
  await page.context().close();

  await cleared();
  await settled(async () => assert.deepEqual(await structure(), before));
});

test("nic: a drag that Escape cancels drafts nothing", async () => {
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  const drafted = await sentences(page);
  await drag(page, plug(page, "node2"), rail(page, "mybr0"), () => page.keyboard.press("Escape"));
  assert.deepEqual(await sentences(page), drafted);
  assert.equal(await page.getByRole("dialog").count(), 0);
  await page.context().close();
});

test("nic: one that was there is unplugged, and given back as it was", async () => {
  const before = await structure();
  const [{ mac }] = await nics("node2");
  const page = await open();
  await page.locator("#picture .card-name", { hasText: "node2" }).click();
  const card = page.locator("section.nic").filter({ hasText: mac });
  await card.getByRole("button", { name: "Unplug" }).click();
  await apply(page);
  assert.deepEqual(await nics("node2"), []);
  await tray(page).getByRole("button", { name: "Undo" }).click();
  await until(async () => (await nics("node2")).some((nic) => nic.mac === mac), "the NIC to come back");
  // Its address comes with a lease, in the guest's own time.
  await until(async () => (await api("GET", "observed")).guests.node2?.interfaces?.some((nic) => nic.mac === mac && nic.addresses.some((a) => a.startsWith("192.168.122."))), "its lease", 60_000);
  await page.context().close();
  await cleared();
  const after = await structure();
  for (const part of ["links", "tables", "networks"]) assert.equal(after[part].length, before[part].length, part);
});

test("nic: ports of a bridge reach each other in spite of FORWARD DROP", async () => {
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  for (const [guest, address] of [["master", "192.168.48.10/24"], ["node1", "192.168.48.20/24"]]) {
    await plug(page, guest).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Plug into").selectOption("bridge:mybr0");
    await form.getByLabel(/^Address with prefix length/).fill(address);
    await form.getByRole("button", { name: "Add to the draft" }).click();
  }
  await apply(page);
  assert.match(await run("iptables", "-S", "FORWARD"), /-P FORWARD DROP[^]*--comment "?bridgehead:mybr0/);
  await run(bridgehead, "lab", "guest", "node1", "--", "ping", "-c2", "-W2", "192.168.48.10");
  await page.context().close();
  await cleared();
  assert.doesNotMatch(await run("iptables", "-S", "FORWARD"), /bridgehead/);
});
