// What becomes of things at a reboot: in the picture, in the drawer and in the outline.
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { axe, onPicture, open, rail } from "./lib/browser.mjs";
import { apply, draftBridge, sentences, tray } from "./lib/draft.mjs";
import { bridgehead, cleared, run, until } from "./lib/lab.mjs";

/** What the drawer says of it. */
const fate = (page) => page.locator(".drawer dt", { hasText: /^(After a reboot|重启后)$/ }).locator("xpath=following-sibling::dd[1]");
const badge = (page, bridge) => rail(page, bridge).locator(".survival");
const named = (page, bridge, words) => page.locator("#picture").getByRole("button", { name: new RegExp(`${bridge}.*${words}`, "s") });

/** The lab's /run is its own. */
async function told(path, text) {
  await mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
  await writeFile(path, text);
}

async function forgotten() {
  for (const path of ["/run/network", "/run/systemd/netif"]) await rm(path, { recursive: true, force: true });
  await run("ip", "link", "delete", "byhand").catch(() => {});
  await cleared();
}

test("survival: what nobody keeps is marked, and what the document names is put back", async () => {
  const page = await open();
  try {
    await run("ip", "link", "add", "byhand", "type", "bridge");
    await named(page, "byhand", "runtime only").click();
    await fate(page).filter({ hasText: "gone (runtime only" }).waitFor();
    await page.locator("#outline li").filter({ hasText: "byhand" }).filter({ hasText: "After a reboot: gone (runtime only" }).first().waitFor({ state: "attached" });

    await draftBridge(page, "mybr0", "192.168.48.1/24");
    await apply(page);
    await rail(page, "mybr0").filter({ hasText: "made by Bridgehead" }).click();
    await fate(page).filter({ hasText: "Bridgehead puts it back" }).waitFor();
    assert.equal(await badge(page, "mybr0").count(), 0, "what is saved is not marked");

    await rail(page, "virbr0").click();
    await fate(page).filter({ hasText: "libvirt starts it by itself" }).waitFor();
    await onPicture(page, "guest:node1").click();
    await fate(page).filter({ hasText: "defined, but does not start by itself" }).waitFor();
    await page.locator(".drawer .nic").filter({ hasText: "comes back with node1" }).first().waitFor();

    await page.getByRole("button", { name: "中文" }).click();
    await named(page, "byhand", "仅存在于运行时").waitFor();
    await rail(page, "mybr0").click();
    await fate(page).filter({ hasText: "由 Bridgehead 恢复" }).waitFor();
    await page.getByRole("button", { name: "English" }).click();
    await named(page, "byhand", "runtime only").waitFor();
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.errors, []);
  } finally {
    await forgotten();
    await page.context().close();
  }
});

test("survival: whoever manages a link is named as soon as its file says so", async () => {
  const page = await open();
  try {
    await run("ip", "link", "add", "byhand", "type", "bridge");
    await draftBridge(page, "mybr0", "192.168.48.1/24");
    await apply(page);

    await told("/run/network/ifstate", "lo=lo\nbyhand=byhand\nmybr0=mybr0\n");
    await named(page, "mybr0", "contested .claimed by Bridgehead, ifupdown").waitFor();
    await badge(page, "byhand").waitFor({ state: "detached" });
    await rail(page, "byhand").click();
    await fate(page).filter({ hasText: /^set up by ifupdown$/ }).waitFor();

    const links = JSON.parse(await run("ip", "-j", "link", "show", "byhand"));
    await told(`/run/systemd/netif/links/${links[0].ifindex}`, "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/byhand.network\n");
    await named(page, "byhand", "contested").waitFor();
    await page.locator(".drawer .note").filter({ hasText: "systemd-networkd (/etc/systemd/network/byhand.network), ifupdown" }).waitFor();
    const observed = Object.values(JSON.parse(await run(bridgehead, "observe", "--json")).links);
    assert.deepEqual(observed.find(({ name }) => name === "byhand").managers.map(({ kind }) => kind), ["networkd", "ifupdown"]);

    await rm("/run/network/ifstate");
    await rm("/run/systemd/netif", { recursive: true });
    await named(page, "byhand", "runtime only").waitFor();
    await badge(page, "mybr0").waitFor({ state: "detached" });
    assert.deepEqual(page.errors, []);
  } finally {
    await forgotten();
    await page.context().close();
  }
});

test("survival: a NIC that is in the running guest alone is marked on its guest", async () => {
  const page = await open();
  try {
    await run("virsh", "attach-interface", "node2", "network", "default", "--mac", "52:54:00:48:00:77", "--model", "virtio", "--live");
    await onPicture(page, "guest:node2").getByRole("img", { name: "52:54:00:48:00:77: gone with the guest’s next shutdown" }).waitFor();
    await run("virsh", "detach-interface", "node2", "network", "--mac", "52:54:00:48:00:77", "--live");
    await onPicture(page, "guest:node2").locator(".survival").waitFor({ state: "detached" });
    assert.deepEqual(page.errors, []);
  } finally {
    await page.context().close();
  }
});

test("survival: the bridges are kept in a manager's files, which can be read before they are written", async () => {
  const page = await open();
  const path = "/etc/network/interfaces.d/90-bridgehead";
  try {
    await told("/run/network/ifstate", "lo=lo\neno1=eno1\n");
    await draftBridge(page, "mybr0", "192.168.48.1/24");
    await apply(page);
    await page.getByRole("button", { name: "Export…" }).first().click();
    const offers = page.getByRole("dialog").getByRole("button", { name: /^Keep it in/ });
    assert.deepEqual(await offers.allInnerTexts(), ["ifupdown", "netplan", "systemd-networkd", "NetworkManager"].map((name) => `Keep it in ${name}`));
    await offers.first().click();
    await tray(page).locator(".steps pre").filter({ hasText: "iface mybr0 inet static" }).waitFor();
    assert.deepEqual(await sentences(page), [`Write ${path}, for a start without Bridgehead`]);
    await assert.rejects(readFile(path));
    assert.deepEqual(await axe(page), []);
    await apply(page);
    assert.match(await readFile(path, "utf8"), /^auto mybr0$/m);

    await tray(page).getByRole("button", { name: "Undo" }).click();
    await until(() => readFile(path).then(() => false, () => true), "the file to go");
    assert.deepEqual(page.errors, []);
  } finally {
    await forgotten();
    await page.context().close();
  }
});
