// libvirt's own networks: restarted behind everybody's back, and started with the host.
import assert from "node:assert/strict";
import { test } from "node:test";

import { onPicture, open, rail } from "./lib/browser.mjs";
import { apply, committed, tray } from "./lib/draft.mjs";
import { api, bridgehead, cleared, ready, run, settled, structure, until } from "./lib/lab.mjs";

/** Destroys the network and starts it again: libvirt leaves the guests' taps without a bridge. */
async function restart() {
  await run("virsh", "net-destroy", "default");
  await run("virsh", "net-start", "default");
}

/** A bridge with STP listens and learns for a while before it forwards. */
const forwarding = () => until(async () => !/state (listening|learning|blocking)/.test(await run("bridge", "link")), "the ports to forward", 40_000);

const taps = async () => (await run("ip", "-o", "link", "show", "master", "virbr0")).split("\n").filter((line) => /vnet/.test(line)).length;

test("network: taps that a restart has orphaned are shown dangling, and plugged in again by a button", async () => {
  await cleared();
  const before = await taps();
  const page = await open();
  await restart();
  const finding = page.getByRole("dialog").locator(".note").filter({ hasText: "is in no bridge, but libvirt says virbr0" });
  await page.getByRole("button", { name: /findings?$/ }).click();
  for (let left = before; left > 0; left -= 1) {
    await finding.nth(left - 1).waitFor();
    await finding.first().getByRole("button", { name: "Plug it in again" }).click();
    await committed(page);
    if (left > 1) await page.getByRole("button", { name: /findings?$/ }).click();
  }
  await until(async () => (await taps()) === before, "the taps to be plugged in again");
  await ready();
  await forwarding();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("network: what is put back always is put back without anybody asking", async () => {
  await cleared();
  const before = await taps();
  const page = await open();
  await rail(page, "virbr0").click();
  await page.getByRole("button", { name: "Put it back always" }).click();
  await apply(page);
  await page.context().close();
  await restart();
  await until(async () => (await taps()) === before, "the taps to be plugged in again");
  assert.match(await run(bridgehead, "history"), /put back network:default, as always/);

  await api("GET", "drift").then((drift) => assert.deepEqual(drift, []));
  await cleared();
  await forwarding();
  await ready();
});

test("network: guests and networks start with the host if the document says so, and undo gives back what was", async () => {
  await cleared();
  const before = await structure();
  const page = await open();
  await onPicture(page, "guest:node1").click();
  await page.getByRole("button", { name: "Start with the host" }).click();
  await tray(page).getByText("Start node1 with the host").waitFor();
  await rail(page, "virbr0").click();
  await page.getByRole("button", { name: "Do not start with the host" }).click();
  await tray(page).getByText("No longer start default with the host").waitFor();
  await apply(page);
  assert.match(await run("virsh", "dominfo", "node1"), /Autostart: +enable/);
  assert.match(await run("virsh", "net-info", "default"), /Autostart: +no/);

  await run("virsh", "net-autostart", "default");
  await tray(page).getByRole("button", { name: "Undo" }).click();
  await committed(page);
  await settled(async () => assert.deepEqual(await structure(), before));
  await page.context().close();
});
