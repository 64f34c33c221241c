// The operator's own wire: a browser that comes from outside, through a tunnel that ends on the host.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { fresh, live, onPicture, rail } from "./lib/browser.mjs";
import { apply, draftBridge, tray } from "./lib/draft.mjs";
import { api, cleared, run, settled, structure, token, until, url } from "./lib/lab.mjs";
import { appearance } from "./lib/measure.mjs";

const relay = new URL("./lib/relay.mjs", import.meta.url).pathname;

/**
 * The way of a remote operator, whose packets really cross eno1:
 *
 *   browser ─► 127.0.0.1:4001 ─► (socket) ─► outside world ═ eno1 ═► 10.0.0.1:4000 ─► the dashboard
 */
async function tunnelled(during) {
  const folder = await mkdtemp(`${tmpdir()}/bridgehead-tunnel-`);
  const socket = `${folder}/outside`;
  const ends = [];
  const start = async (...command) => {
    const end = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
    ends.push(end);
    await once(end.stdout, "data");
  };
  try {
    await start("node", relay, "10.0.0.1:4000", `127.0.0.1:${new URL(url).port}`);
    await start("ip", "netns", "exec", "outside", "node", relay, socket, "10.0.0.1:4000");
    await start("node", relay, "127.0.0.1:4001", socket);
    await during("http://127.0.0.1:4001");
  } finally {
    for (const end of ends) end.kill();
    await rm(folder, { recursive: true });
  }
}

async function arrive(from) {
  const page = await fresh();
  await page.goto(`${from}/?token=${token}`);
  await live(page);
  return page;
}

test("wire: where a tunnel comes from is drawn, and what does not touch it needs no confirmation", async () => {
  await cleared();
  await tunnelled(async (from) => {
    const page = await arrive(from);
    await onPicture(page, "host").getByText("you are here, by eno1").waitFor();
    await draftBridge(page, "mybr0", "192.168.48.1/24");
    await tray(page).getByText("does not touch your own wire").waitFor();
    await page.context().close();
  });
  await cleared();
});

test("wire: a change that cuts off whoever asked for it takes itself back, and the page recovers", async () => {
  await cleared();
  const before = await structure();
  await tunnelled(async (from) => {
    const page = await arrive(from);
    await onPicture(page, "link:eno1").click();
    await page.getByRole("button", { name: "Make a bridge over it" }).click();
    await tray(page).getByText("touches your own wire (eno1)").waitFor();
    await apply(page);
    await onPicture(page, "host").getByText("you are here, by br0").waitFor();
    // Another address than the one that the operator comes to.
    await rail(page, "br0").click();
    await page.getByRole("button", { name: "Edit…" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel(/^Addresses of the host/).fill("10.0.0.77/24");
    await form.getByRole("button", { name: "Add to the draft" }).click();
    await tray(page).getByText("touches your own wire (br0)").waitFor();

    const told = page.evaluate(`(${appearance})(".countdown", "This change could cut you off")`);
    const [{ cluster }] = await api("GET", "drafts");
    const body = { cluster };
    const { based_on, steps } = await api("POST", "plan", body);
    // As the page itself would ask, but with little time.
    const change = { ...body, version: (await api("GET", "document")).version, based_on, steps, confirm_within: 12 };
    const status = await page.evaluate(async (change) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch("/api/v1/changes", { method: "POST", headers, body: JSON.stringify(change) });
      return answer.status;
    }, change);
    assert.equal(status, 202);
    await Promise.race([told, new Promise((_, late) => setTimeout(() => late(new Error("no countdown")), 10_000))]);
    await until(async () => (await run("ip", "-o", "-4", "address")).includes("10.0.0.77/24"), "the cut");
    await page.locator(".fresh.stale, .fresh.offline").waitFor();
    await page.locator(".countdown").waitFor();
    await tray(page).getByText("With this change the host is at 10.0.0.77").waitFor();

    await page.locator(".fresh.live").waitFor({ timeout: 60_000 });
    await tray(page).getByRole("status").filter({ hasText: "Rolled back" }).waitFor();
    await tray(page).getByText("nobody confirmed it within 12 s").waitFor();
    await page.context().close();
  });
  await cleared();
  await settled(async () => assert.deepEqual(await structure(), before));
});
