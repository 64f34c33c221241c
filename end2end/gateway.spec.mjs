// The seed's network, built three times: by mouse, by keyboard alone, and from a shell. Each time node1 reaches the outside
// through master, each time it is all taken away again, and host and guests are what they were.
import assert from "node:assert/strict";
import { test } from "node:test";

import { drag, onPicture, open, rail, live, screenshot, tabTo } from "./lib/browser.mjs";
import { apply, committed, draftBridge, plug, sentences, tray } from "./lib/draft.mjs";
import { api, bridgehead, cleared, run, settled, structure } from "./lib/lab.mjs";

const way = /192\.168\.48\.10 → 192\.168\.122\.\d+ → 10\.0\.0\.9/;

/** What a traceroute inside node1 says, asked behind Bridgehead's back. */
async function route() {
  return run(bridgehead, "lab", "guest", "node1", "--", "traceroute", "-n", "-q", "1", "-w", "2", "10.0.0.9");
}

async function works(page) {
  await tray(page).locator(".proof.ok").filter({ hasText: way }).waitFor();
  const hops = await route();
  assert.match(hops, /^ 1 +192\.168\.48\.10 [^]*^ 2 +192\.168\.122\.1 [^]*^ 3 +10\.0\.0\.9 /m);
  await stands(page);
}

/** The picture of a gateway that is real. */
async function stands(page) {
  const band = onPicture(page, "guest:master").locator(".band.real, .band:not(.draft):not(.going)");
  await band.filter({ hasText: "NAT gateway of mybr0" }).waitFor();
  assert.match(await band.getAttribute("title"), /^192\.168\.48\.0\/24 → 192\.168\.122\.\d+$/);
}

/** As it was, once leases and agents have caught up. */
async function asBefore(before) {
  await settled(async () => assert.deepEqual(await structure(), before));
}

test("gateway: by mouse", async () => {
  const before = await structure();
  const page = await open();
  await draftBridge(page, "mybr0", "192.168.48.1/24");
  await drag(page, plug(page, "master"), rail(page, "mybr0"));
  await drag(page, plug(page, "node1"), rail(page, "mybr0"));
  await screenshot(page, "gateway-draft");
  await apply(page);

  await drag(page, page.locator("#picture .card-name", { hasText: "master" }), {
    // Between the two rails.
    waitFor: () => rail(page, "mybr0").waitFor(),
    boundingBox: async () => {
      const [left, right] = [await rail(page, "virbr0").boundingBox(), await rail(page, "mybr0").boundingBox()];
      return { x: (left.x + left.width + right.x) / 2, y: left.y + 120, width: 0, height: 0 };
    },
  });
  const form = page.getByRole("dialog");
  await form.getByRole("checkbox", { name: "node1" }).check();
  assert.equal(await form.getByLabel("Subnet").inputValue(), "192.168.48.0/24");
  const add = form.getByRole("button", { name: "Add to the draft" });
  await form.getByRole("button", { name: "Add a port" }).click();
  await form.getByText("Say which port outside leads to the member").waitFor();
  assert.equal(await form.getByRole("alert").count(), 0, "nothing is wrong before anything is written");
  assert.ok(await add.isDisabled());
  await form.getByLabel("Port outside").fill("http");
  await form.getByRole("alert").filter({ hasText: "http is not a port" }).waitFor();
  await form.getByRole("button", { name: "Remove this port" }).click();
  await form.getByLabel("Members may reach").selectOption("only these networks");
  assert.ok(await add.isDisabled(), "no network is named");
  await form.getByLabel("Networks, separated by commas").fill("10.0.0.0/24, 10.0.0");
  await form.getByRole("alert").filter({ hasText: "10.0.0 is not a network" }).waitFor();
  await form.getByLabel("Networks, separated by commas").fill("10.0.0.0/24");
  await form.getByRole("button", { name: "Add to the draft" }).click();
  assert.ok((await sentences(page)).length > 3);
  await apply(page);
  await works(page);
  await screenshot(page, "gateway");

  await page.reload();
  await live(page);
  await stands(page);
  await tray(page).locator(".proof.ok").filter({ hasText: way }).waitFor();

  await rail(page, "mybr0").click();
  const drawer = page.getByRole("complementary", { name: "Details" });
  await drawer.getByText("Members may reach").waitFor();
  await drawer.getByText("10.0.0.0/24", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Remove the gateway" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await apply(page);
  await rail(page, "mybr0").waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
  await page.context().close();
  await cleared();
  await asBefore(before);
});

test("gateway: by keyboard alone", async () => {
  const before = await structure();
  const page = await open();
  const outline = page.getByRole("navigation", { name: "Outline" });
  const form = page.getByRole("dialog");
  const press = async (locator) => {
    await tabTo(page, locator);
    await page.keyboard.press("Enter");
  };
  const write = async (label, text) => {
    await tabTo(page, form.getByLabel(label));
    await page.keyboard.press("Control+A");
    await page.keyboard.type(text);
  };
  const done = () => press(form.getByRole("button", { name: "Add to the draft" }));
  const actions = (subject) => outline.getByRole("group", { name: `Actions for ${subject}`, exact: true });

  await page.keyboard.press("o");
  await press(outline.getByRole("button", { name: "New bridge" }));
  await write("Name", "mybr0");
  await write(/^Addresses of the host/, "192.168.48.1/24");
  await done();

  for (const guest of ["master", "node1"]) {
    await page.keyboard.press("Escape");
    await press(actions(guest).getByRole("button", { name: "Add a NIC" }));
    await tabTo(page, form.getByLabel("Plug into"));
    await page.keyboard.type("bridge mybr0");
    await done();
  }
  await press(actions("mybr0").getByRole("button", { name: "Gateway…" }));
  await tabTo(page, form.getByRole("combobox", { name: "Gateway", exact: true }));
  await page.keyboard.type("master");
  const member = form.getByRole("checkbox", { name: "node1" });
  await tabTo(page, member);
  if (!(await member.isChecked())) await page.keyboard.press("Space");
  await done();

  await page.keyboard.press("p");
  await press(tray(page).getByRole("button", { name: "Apply" }));
  await committed(page);
  await works(page);

  await press(tray(page).getByRole("button", { name: "Undo" }));
  await rail(page, "mybr0").waitFor({ state: "detached", timeout: 60_000 });
  assert.deepEqual(page.errors, []);
  await page.context().close();
  await cleared();
  await asBefore(before);
});

test("gateway: from a shell, seen in the browser", async () => {
  const before = await structure();
  const page = await open();
  const said = await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24", "--yes");
  assert.match(said, way);
  await stands(page);
  assert.match(await route(), /192\.168\.48\.10/);
  assert.match(await run(bridgehead, "export"), /\[\[gateway\]\]/);

  await run(bridgehead, "gateway", "mybr0", "--remove", "--yes");
  await rail(page, "mybr0").waitFor({ state: "detached" });
  await page.context().close();
  await asBefore(before);
});

test("gateway: a member unplugged from its old network gets it back", async () => {
  const before = await structure();
  await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24", "--detach-outside", "--yes");
  assert.doesNotMatch(await run("virsh", "domiflist", "node1"), /default/);
  assert.match(await route(), /192\.168\.48\.10/);
  await run(bridgehead, "gateway", "mybr0", "--remove", "--yes");
  await asBefore(before);
});

test("gateway: a promise that does not hold takes everything back", async () => {
  const before = await structure();
  // Nobody answers there, so the proof fails.
  const failed = await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24",
    "--probe", "10.0.0.77", "--yes").then(() => null, (error) => error);
  assert.ok(failed, "it must not be called done");
  assert.match(`${failed.stdout}${failed.stderr}`, /rolled back/);
  const { state, left_over } = await api("GET", "changes");
  assert.equal(state, "rolled-back");
  assert.deepEqual(left_over, []);
  await asBefore(before);
});
