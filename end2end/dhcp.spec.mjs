// Addresses given on a bridge: drafted in the bridge's form, given by libvirt, shown in its drawer, and taken back.
import assert from "node:assert/strict";
import { test } from "node:test";

import { open, rail } from "./lib/browser.mjs";
import { apply, tray } from "./lib/draft.mjs";
import { run, settled, structure, until } from "./lib/lab.mjs";

test("dhcp: a range is suggested, given, shown and taken back", async () => {
  const before = await structure();
  const page = await open();
  await page.locator(".new-bridge").click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill("mybr0");
  await form.getByLabel(/^Addresses of the host/).fill("192.168.48.1/24");
  await form.getByLabel(/^Serve addresses/).check();
  const range = form.getByLabel(/^Addresses to give/);
  await until(async () => (await range.inputValue()) === "192.168.48.128-192.168.48.254", "the upper half of the subnet");
  await range.fill("nonsense");
  await form.getByRole("alert").filter({ hasText: "nonsense" }).waitFor();
  await range.fill("192.168.48.100-192.168.48.199");
  await form.getByRole("button", { name: "Add to the draft" }).click();
  await rail(page, "mybr0").waitFor();
  await apply(page);

  assert.match(await run("virsh", "net-dumpxml", "mybr0"), /<range start='192\.168\.48\.100' end='192\.168\.48\.199'\/>/);
  await rail(page, "mybr0").filter({ hasText: "DHCP" }).waitFor();
  await rail(page, "mybr0").click();
  await page.locator(".drawer").getByText("192.168.48.100 – 192.168.48.199").first().waitFor();

  await tray(page).getByRole("button", { name: "Undo" }).click();
  await rail(page, "mybr0").waitFor({ state: "detached" });
  await settled(async () => assert.deepEqual(await structure(), before));
  assert.doesNotMatch(await run("virsh", "net-list", "--all", "--name"), /mybr0/);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
