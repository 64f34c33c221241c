// The network in other programs' words: the draft's script, and the formats, in the dialog.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { axe, open, screenshot } from "./lib/browser.mjs";
import { draftBridge, tray } from "./lib/draft.mjs";
import { api } from "./lib/lab.mjs";

test("export: the draft, in every format", async () => {
  const page = await open({ acceptDownloads: true });
  const dialog = page.getByRole("dialog", { name: "Export the draft" });
  await draftBridge(page, "mybr7", "192.168.57.1/24");
  await tray(page).getByRole("button", { name: "Export…" }).click();
  const text = dialog.locator("pre").first();
  await text.filter({ hasText: "ip link add name mybr7 type bridge" }).waitFor();

  const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "Download" }).click()]);
  assert.equal(download.suggestedFilename(), "bridgehead.sh");
  assert.equal(await readFile(await download.path(), "utf8"), await text.textContent());

  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy" }).click();
  await dialog.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await text.textContent());

  for (const [format, words] of [
    ["document", 'name = "mybr7"'], ["libvirt", '<bridge name="mybr7"/>'], ["nft", 'comment "bridgehead:mybr7"'],
    ["netplan", '- "192.168.57.1/24"'], ["networkd", "Kind=bridge"], ["ifupdown", "iface mybr7 inet static"],
    ["networkmanager", "interface-name=mybr7"],
  ]) {
    await dialog.getByLabel("Format").selectOption(format);
    await dialog.locator("pre").filter({ hasText: words }).first().waitFor();
  }
  await screenshot(page, "export");
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("export: the network, which has nothing of ours", async () => {
  const page = await open();
  await page.getByRole("banner").getByRole("button", { name: "Export…" }).click();
  const dialog = page.getByRole("dialog", { name: "Export the network" });
  await dialog.getByText("There is nothing to write in this format.").waitFor();
  await dialog.getByLabel("Format").selectOption("document");
  await dialog.getByText("bridgehead.toml").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("export: what is asked for wrongly is refused with the field", async () => {
  const refused = async (method, path, body) => {
    const error = await api(method, path, body).then(() => null, (error) => error);
    return error?.message ?? "not refused";
  };
  assert.match(await refused("GET", "export?format=visio"), /422 .*"field":"format"/);
  assert.match(await refused("GET", "export?fromat=shell"), /422 .*unknown field `fromat`/);
  assert.match(await refused("POST", "export", { cluster: { bridge: [{ name: "a b" }] } }), /422 .*"field":"cluster.bridge\[0\].name"/);
  const cluster = { bridge: [{ name: "virbr0" }] };
  assert.match(await refused("POST", "export", { cluster, format: "shell" }), /409 .*"kind":"blocked".*bridge.virbr0/);
});
