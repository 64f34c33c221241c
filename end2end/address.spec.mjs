// All addresses on one page: who has which, who says so, which are free, and where two are in each other's way.
import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, onPicture, open } from "./lib/browser.mjs";
import { apply, committed, tray } from "./lib/draft.mjs";
import { api, cleared, run, until } from "./lib/lab.mjs";

test("address: every address is named with its holder and its sources, free ones and conflicts too", async () => {
  const { guests, networks } = await api("GET", "observed");
  const [net] = guests.node1.interfaces.flatMap(({ addresses }) => addresses).filter((address) => address.startsWith("192.168.122."));
  const address = net.split("/")[0];
  assert.ok(networks.default.leases.some((lease) => lease.address === net));
  const page = await open();
  await page.getByRole("button", { name: "Outline", exact: true }).click();
  await page.getByRole("button", { name: "All addresses" }).click();
  const dialog = page.getByRole("dialog");
  const row = (text) => dialog.getByRole("row").filter({ has: page.getByRole("cell", { name: text, exact: true }) });
  await row("192.168.122.1").getByText("Host · virbr0").waitFor();
  await row(address).getByText(/^node1 · 52:54:00:12:22:11$/).waitFor();
  await row(address).getByText(/guest, lease/).waitFor();
  await dialog.getByText(/^Free: 10\.0\.0\.2 – /).waitFor();
  assert.deepEqual(await axe(page), []);

  await run("ip", "address", "add", `${address}/32`, "dev", "eno1");
  try {
    await row(address).getByText(/^Conflict: /).waitFor();
  } finally {
    await run("ip", "address", "delete", `${address}/32`, "dev", "eno1");
  }
  await dialog.getByText("Conflict").waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("address: a guest always gets the address that it has, until the document says otherwise", async () => {
  await cleared();
  const { networks } = await api("GET", "observed");
  const { address } = networks.default.leases.find((lease) => lease.mac === "52:54:00:12:22:11");
  const host = `<host mac='52:54:00:12:22:11' ip='${address.split("/")[0]}'/>`;
  const defined = async () => Promise.all([["default"], ["default", "--inactive"]].map((words) => run("virsh", "net-dumpxml", ...words)));
  const page = await open();
  await onPicture(page, "guest:node1").click();
  await page.getByRole("button", { name: "Always this address" }).click();
  await tray(page).getByText(/^Have the network default always give 52:54:00:12:22:11 the address/).waitFor();
  await apply(page);
  await page.getByRole("button", { name: "Not always" }).waitFor();
  for (const definition of await defined()) assert.ok(definition.includes(host), definition);

  await tray(page).getByRole("button", { name: "Undo" }).click();
  await committed(page);
  await until(async () => (await defined()).every((definition) => !definition.includes(host)), "the static lease to go");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
