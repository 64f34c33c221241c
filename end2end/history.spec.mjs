// History, drift and confirm-or-revert, by hand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { onPicture, open, rail } from "./lib/browser.mjs";
import { apply, committed, draftBridge, tray } from "./lib/draft.mjs";
import { api, cleared, run, settled, structure, until } from "./lib/lab.mjs";
import { appearance } from "./lib/measure.mjs";

test("history: versions are listed and compared; undo, redo, and back to one of them", async () => {
  await cleared();
  const before = await structure();
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await apply(page);
  const { version } = await api("GET", "document");

  await page.getByRole("button", { name: "History" }).click();
  const newest = page.locator(".versions li").first();
  await newest.filter({ hasText: `Version ${version}` }).filter({ hasText: "current" }).waitFor();
  await newest.getByRole("button", { name: "What it changed" }).click();
  await newest.locator(".added").filter({ hasText: "192.168.48.1/24" }).waitFor();

  await page.getByRole("dialog").getByRole("button", { name: "Undo" }).click();
  await committed(page);
  await rail(page, "mybr0").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "History" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Redo" }).click();
  await rail(page, "mybr0").filter({ hasText: "made by Bridgehead" }).waitFor();
  await committed(page);

  await page.getByRole("button", { name: "History" }).click();
  const empty = page.locator(".versions li").filter({ hasText: `Version ${version + 1}` });
  await empty.getByRole("button", { name: "Return to it" }).click();
  await tray(page).getByText("Delete the bridge mybr0").waitFor();
  await apply(page);
  await settled(async () => assert.deepEqual(await structure(), before));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("drift: what somebody else changes is told in words, put back or adopted", async () => {
  await cleared();
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await apply(page);
  const drifted = page.locator(".note.drift");

  await run("ip", "address", "delete", "192.168.48.1/24", "dev", "mybr0");
  await page.getByRole("button", { name: "1 finding" }).click();
  await drifted.filter({ hasText: "mybr0 lacks 192.168.48.1/24" }).getByRole("button", { name: "Put it back", exact: true }).click();
  await committed(page);
  await until(async () => (await run("ip", "-o", "-4", "address", "show", "dev", "mybr0")).includes("192.168.48.1/24"), "the address");

  await run("ip", "link", "set", "mybr0", "mtu", "1400");
  await run("ip", "address", "delete", "192.168.48.1/24", "dev", "mybr0");
  await page.getByRole("button", { name: "1 finding" }).click();
  await drifted.getByRole("button", { name: "Adopt it" }).click();
  await tray(page).getByText("nothing to do").waitFor();
  await apply(page);
  await page.getByRole("button", { name: "no findings" }).waitFor();
  assert.deepEqual((await api("GET", "document")).cluster, { bridge: [{ name: "mybr0" }] });
  assert.deepEqual(page.errors, []);
  await cleared();
  await page.context().close();
});

test("confirm: a change that could cut us off is confirmed by the page that asked for it", async () => {
  await cleared();
  const before = await structure();
  const page = await open();
  await onPicture(page, "link:eno1").click();
  await page.getByRole("button", { name: "Make a bridge over it" }).click();
  await tray(page).getByText("Plug eno1 into br0").waitFor();
  // It may be confirmed before anybody could read it.
  const told = page.evaluate(`(${appearance})(".countdown", "This change could cut you off")`);
  await tray(page).getByRole("button", { name: "Apply" }).click();
  await told;
  await committed(page);
  assert.match(await run("ip", "-o", "-4", "address", "show", "dev", "br0"), /10\.0\.0\.1\/24/);
  await run("ping", "-c", "1", "-W", "2", "10.0.0.9");
  // The picture still knows the way out.
  await onPicture(page, "link:eno1").waitFor();
  await tray(page).getByRole("button", { name: "Undo" }).click();
  await until(async () => (await run("ip", "-o", "-4", "address", "show", "dev", "eno1")).includes("10.0.0.1/24"), "the NIC's own address");
  await committed(page);
  await settled(async () => assert.deepEqual(await structure(), before));
  await page.context().close();
});

test("confirm: nobody else's page confirms, and silence takes the change back", async () => {
  await cleared();
  const before = await structure();
  const page = await open();
  const cluster = { bridge: [{ name: "br0", address: "10.0.0.1/24", uplink: "eno1", default_route: "10.0.0.9" }] };
  const { version } = await api("GET", "document");
  const { based_on, steps } = await api("POST", "plan", { cluster });
  // The script that asks for it says nothing more.
  await api("POST", "changes", { cluster, version, based_on, steps, confirm_within: 10 });
  await tray(page).getByRole("timer").filter({ hasText: "waits for their confirmation" }).waitFor();
  await tray(page).getByRole("status").filter({ hasText: "Rolled back" }).waitFor({ timeout: 60_000 });
  await tray(page).getByText("nobody confirmed it within 10 s").waitFor();
  await settled(async () => assert.deepEqual(await structure(), before));
  await page.context().close();
});

test("drift: what is to be put back always is put back without asking, but not for ever against somebody who insists", async () => {
  await cleared();
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await apply(page);
  await run("ip", "address", "delete", "192.168.48.1/24", "dev", "mybr0");
  await page.getByRole("button", { name: "1 finding" }).click();
  await page.locator(".note.drift").getByRole("button", { name: "Put it back always" }).click();
  await apply(page);
  const address = async () => (await run("ip", "-o", "-4", "address", "show", "dev", "mybr0")).includes("192.168.48.1/24");
  await until(address, "the address");
  const last = async () => (await api("GET", "changes")) ?? {};
  const quiet = async () => ["committed", "rolled-back"].includes((await last()).state);
  for (let nth = 1; nth <= 5; nth += 1) {
    await until(quiet, "the change before to end");
    await run("ip", "address", "delete", "192.168.48.1/24", "dev", "mybr0");
    await until(address, "the address to be put back");
  }
  await until(quiet, "the last change to end");
  assert.match((await last()).why, /put back link:mybr0, as always/);
  await run("ip", "address", "delete", "192.168.48.1/24", "dev", "mybr0");
  await page.getByRole("button", { name: "1 finding" }).waitFor();
  assert.equal(await address(), false);
  await cleared();
  await page.context().close();
});
