// A guest that says HTML of itself: a reader sees what it says, and the browser does nothing of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./lib/browser.mjs";
import { api, bridgehead, run, structure, settled, until } from "./lib/lab.mjs";

const html = '<img src=x onerror=window.pwned=1>';
// As long as the name of an interface may be.
const short = "<b>$(id)<u>";
const [first, second] = ["52:54:00:48:67:01", "52:54:00:48:67:02"];

const inside = (script, ...words) => run(bridgehead, "lab", "guest", "node2", "--", "sh", "-c", script, "sh", ...words);
const plug = (mac) => run("virsh", "attach-interface", "node2", "network", "default", "--mac", mac, "--model", "virtio", "--live");
const unplug = (mac) => run("virsh", "detach-interface", "node2", "network", "--mac", mac, "--live");
const facts = async () => (await api("GET", "observed")).guests.node2;

/** Cards of the picture that lie on each other. */
const overlaps = (page) => page.locator("#picture .card").evaluateAll((cards) => {
  const boxes = cards.map((card) => card.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.flatMap((a, nth) => boxes.slice(nth + 1).filter((b) => meet(a, b))).length;
});

test("hostile: what a guest says is text, and nothing but text", async () => {
  const before = await structure();
  const page = await open();
  try {
    await plug(first);
    await until(async () => (await facts())?.interfaces.some(({ mac }) => mac === first), "node2 to see its NIC");
    await inside(`cp /etc/os-release /tmp/ && hostname "$1" && printf 'PRETTY_NAME="%s"\\n' "$1" >/etc/os-release &&
      ip link set "$(ip -o link | awk -F': ' '/${first}/ { print $2 }')" name "$2"`, html, short);
    // What happens inside has no event; a NIC that is plugged in has.
    await plug(second);
    await page.locator("#picture .socket-name", { hasText: short }).waitFor();
    await page.locator("#picture .card-name", { hasText: "node2" }).click();
    await page.locator(".drawer-head + .sub", { hasText: html }).waitFor();
    assert.equal((await facts()).hostname, html);
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.equal(await overlaps(page), 0);
    // As the server writes it, too.
    await page.reload();
    await page.locator(".drawer-head + .sub", { hasText: html }).waitFor();
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
    assert.deepEqual(page.errors, []);
  } finally {
    await inside("mv /tmp/os-release /etc/; hostname node2");
    await unplug(second);
    await unplug(first);
  }
  await settled(async () => assert.deepEqual(await structure(), before));
  await page.context().close();
});
