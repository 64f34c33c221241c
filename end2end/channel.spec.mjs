// The guest agent's channel: a guest that lacks it is told of, and the note's button drafts it; what cannot be set inside is
// there to be pasted.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { axe, onPicture, open } from "./lib/browser.mjs";
import { plug, sentences, tray } from "./lib/draft.mjs";
import { api, cleared, run, until } from "./lib/lab.mjs";

const path = "//channel[target/@name='org.qemu.guest_agent.0']";

/** Takes the channel from a running guest for the time of a function. */
async function withoutChannel(guest, during) {
  const folder = await mkdtemp(join(tmpdir(), "channel-"));
  const agent = async () => (await api("GET", "observed")).domains[guest].agent;
  try {
    const [live, kept] = [join(folder, "live.xml"), join(folder, "kept.xml")];
    await writeFile(live, await run("virsh", "dumpxml", guest, "--xpath", path));
    await writeFile(kept, await run("virsh", "dumpxml", guest, "--inactive", "--xpath", path));
    await run("virsh", "detach-device", guest, live, "--live");
    try {
      await until(async () => (await agent()) === "missing", "the channel to go", 60_000);
      await during();
    } finally {
      await run("virsh", "attach-device", guest, kept, "--live");
      await until(async () => (await agent()) === "connected", "the agent to come back", 60_000);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("channel: the note of a guest that lacks it drafts it, and what is to be set by hand is shown", async () => {
  await cleared();
  await withoutChannel("node2", async () => {
    const page = await open();
    await plug(page, "node2").click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Plug into").selectOption("network:default");
    await form.getByLabel(/^Address with prefix length/).fill("192.168.122.60/24");
    await form.getByRole("button", { name: "Add to the draft" }).click();
    await onPicture(page, "guest:node2").click();
    const drawer = page.getByRole("complementary", { name: "Details" });
    await drawer.getByText("none: nothing can be set or seen inside").waitFor();
    const commands = drawer.getByRole("region", { name: "Set inside by hand" });
    await commands.locator("pre").filter({ hasText: "ip addr replace 192.168.122.60/24 dev" }).waitFor();

    await drawer.getByRole("button", { name: "Add the agent’s channel" }).click();
    await tray(page).getByText(/^Give node2 the channel of the guest agent/).waitFor();
    assert.equal(await drawer.getByRole("button", { name: "Add the agent’s channel" }).count(), 0, "it is drafted");
    await drawer.getByRole("button", { name: "Without the agent’s channel" }).waitFor();
    assert.ok((await sentences(page)).length > 1);
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
  await cleared();
});
