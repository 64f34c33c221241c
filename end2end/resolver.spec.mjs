// What a guest is called and whom it asks for names: written in a form, read in the plan, seen in the drawer and inside.
import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, onPicture, open } from "./lib/browser.mjs";
import { apply, committed, sentences, tray } from "./lib/draft.mjs";
import { bridgehead, cleared, run } from "./lib/lab.mjs";

const inside = (script) => run(bridgehead, "lab", "guest", "node2", "--", "sh", "-c", script);

test("resolver: a guest gets a name and a name server, and has its own again after undo", async () => {
  await cleared();
  const before = await inside("cat /etc/resolv.conf");
  const page = await open();
  await onPicture(page, "guest:node2").click();
  await page.getByRole("button", { name: "Hostname and DNS…" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel(/^Hostname/).fill("no name");
  await form.getByRole("alert").getByText(/is no hostname/).waitFor();
  await form.getByLabel(/^Hostname/).fill("db1");
  await form.getByLabel(/^Name servers/).fill("10.0.0.9");
  assert.deepEqual(await axe(page), []);
  await form.getByRole("button", { name: "Add to the draft" }).click();
  await tray(page).getByText("In node2, set the name servers to 10.0.0.9").waitFor();
  assert.ok((await sentences(page)).includes("In node2, set the hostname from node2 to db1"));
  assert.equal((await inside("hostname")).trim(), "node2", "a draft is not real");

  await apply(page);
  const drawer = page.getByRole("complementary");
  await drawer.getByText("db1", { exact: true }).waitFor();
  await drawer.getByText("10.0.0.9", { exact: true }).waitFor();
  assert.equal((await inside("hostname")).trim(), "db1");
  assert.match(await inside("cat /etc/resolv.conf"), /^nameserver 10\.0\.0\.9$/m);

  await tray(page).getByRole("button", { name: "Undo" }).click();
  await committed(page);
  await drawer.getByText("db1", { exact: true }).waitFor({ state: "detached" });
  assert.equal((await inside("hostname")).trim(), "node2");
  assert.equal(await inside("cat /etc/resolv.conf"), before);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
