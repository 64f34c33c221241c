// The figures that need a browser and a lab. Prints rows of a Markdown table: what, measured, bar, peer.
import { readFile, rm, writeFile } from "node:fs/promises";

import { browser, closeBrowser, drag, fresh, live, onPicture, open, rail } from "./lib/browser.mjs";
import { plug, tray } from "./lib/draft.mjs";
import { apply, bridgehead, cleared, committed, ready, run, token, until, url } from "./lib/lab.mjs";
import { appearance, bridgesShown, kb, listen, median, meter, ms, noteLive, percentile } from "./lib/measure.mjs";

const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

/** Bytes until live and in all, first paint and liveness of one navigation with an empty cache. */
async function navigation() {
  const page = await fresh();
  await page.context().request.get(`${url}/?token=${token}`);
  await page.addInitScript(noteLive);
  const received = await meter(page);
  await page.goto(url, { waitUntil: "commit" });
  await live(page, 60_000);
  const seen = await page.evaluate(() => ({
    live: globalThis.becameLive,
    wasLive: performance.timeOrigin + globalThis.becameLive,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  }));
  return { page, bytes: received.until(seen.wasLive), all: received.until(Number.POSITIVE_INFINITY), ...seen };
}

async function navigations(count) {
  const seen = [];
  for (let nth = 0; nth < count; nth += 1) {
    const one = await navigation();
    await one.page.context().close();
    seen.push(one);
  }
  return seen;
}

async function page() {
  await navigations(1);
  const seen = await navigations(11);
  row("bytes until the diagram is live", kb(median(seen.map(({ bytes }) => bytes))), "≤ 250 kB", "Cockpit 950 kB for its machines page alone");
  row("bytes in all, once the planner and every form are there too", kb(median(seen.map(({ all }) => all))), "", "");
  row("cold navigation to diagram painted, median", ms(median(seen.map(({ painted }) => painted))), "≤ 250 ms", "Cockpit 1,030 ms");
  row("cold navigation to live, median", ms(median(seen.map((one) => one.live))), "≤ 500 ms", "Cockpit 1,850 ms with its shell");
}

async function externalChanges() {
  const watched = await open();
  const bridges = await bridgesShown(watched, 30);
  row("`ip link add` to changed DOM, from the event: median, p95", `${ms(median(bridges))}, ${ms(percentile(bridges, 0.95))}`, "≤ 50 ms, ≤ 150 ms", "Cockpit never shows it");

  const devices = listen("virsh", "event", "--domain", "node2", "--event", "device-added", "--loop");
  const nics = [];
  for (let nth = 0; nth < 10; nth += 1) {
    const mac = `52:54:00:be:7c:${(16 + nth).toString(16)}`;
    const shown = watched.evaluate(`(${appearance})('[data-subject="nic:${mac}"]')`);
    const event = devices.next(/device-added/);
    await run("virsh", "attach-interface", "node2", "network", "default", "--mac", mac, "--model", "virtio", "--live");
    nics.push((await shown) - (await event));
    await run("virsh", "detach-interface", "node2", "network", "--mac", mac, "--live");
    await onPicture(watched, `nic:${mac}`).waitFor({ state: "detached" });
  }
  devices.end();
  row("`virsh attach-interface` to changed DOM, from the event: median, p95", `${ms(median(nics))}, ${ms(percentile(nics, 0.95))}`, "≤ 50 ms, ≤ 150 ms", "Cockpit 253 ms");
  await watched.context().close();
}

/** From the release of the plug, Apply pressed at once, until libvirt says that the NIC is there. */
async function attach() {
  await apply({ bridge: [{ name: "mybr0", address: "192.168.48.1/24" }] });
  const devices = listen("virsh", "event", "--domain", "node2", "--event", "device-added", "--loop");
  const [byDrag, byVirsh] = [[], []];
  const watched = await open();
  for (let nth = 0; nth < 5; nth += 1) {
    const button = tray(watched).locator("button:enabled", { hasText: "Apply" });
    await drag(watched, plug(watched, "node2"), rail(watched, "mybr0"));
    const start = performance.timeOrigin + performance.now();
    const event = devices.next(/device-added/);
    // Pressed as soon as it can be: no wait for a hand.
    await button.evaluate((it) => it.click());
    byDrag.push((await event) - start);
    await tray(watched).getByText("Applied").waitFor();
    await tray(watched).getByRole("button", { name: "Undo" }).click();
    await until(async () => !(await run("virsh", "domiflist", "node2")).includes("mybr0"), "the NIC to go");
    await tray(watched).getByText("Applied").waitFor();

    const mac = `52:54:00:be:7d:${(16 + nth).toString(16)}`;
    const peer = performance.timeOrigin + performance.now();
    const attached = devices.next(/device-added/);
    await run("virsh", "attach-interface", "node2", "bridge", "mybr0", "--mac", mac, "--model", "virtio", "--live", "--config");
    byVirsh.push((await attached) - peer);
    await run("virsh", "detach-interface", "node2", "bridge", "--mac", mac, "--live", "--config");
    await until(async () => !(await run("virsh", "domiflist", "node2")).includes("mybr0"), "the NIC to go");
  }
  devices.end();
  await watched.context().close();
  await cleared();
  const ratio = median(byDrag) / median(byVirsh);
  row("drag released to NIC attached", `${ms(median(byDrag))}: ${ratio.toFixed(2)} times`, "≤ 1.5 times", `\`virsh attach-interface\` ${ms(median(byVirsh))}`);
}

/** What the journal and the proof add to the steps of a change, by the server's own account of both. */
async function engine() {
  const bridge = [{ name: "mybr0", address: "192.168.48.1/24" }];
  await apply({ bridge });
  const [all, steps] = [[], []];
  for (let nth = 0; nth < 9; nth += 1) {
    const mac = `52:54:00:be:7e:${(16 + nth).toString(16)}`;
    const { id } = await apply({ bridge, nic: [{ guest: "node2", mac, bridge: "mybr0" }] });
    const took = (await committed()).find((change) => change.id === id);
    all.push(took.all);
    steps.push(took.steps);
    await apply({ bridge });
  }
  await cleared();
  const ratio = median(all) / median(steps);
  row("attaching one NIC, with journal and proof, median", `${ms(median(all))}: ${ratio.toFixed(2)} times`, "≤ 1.3 times", `its steps alone, of the same changes: ${ms(median(steps))}`);
}

/** From Apply until every promise was seen to hold, without the time in which guests were at work: it is theirs. */
async function gateway() {
  const took = [];
  for (let nth = 0; nth < 3; nth += 1) {
    const last = (await committed()).at(-1)?.id ?? 0;
    await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1,node2", "--subnet", "192.168.48.0/24", "--yes");
    await until(async () => (await committed()).at(-1)?.id > last, "the log to tell of it");
    took.push((await committed()).find(({ id }) => id > last));
    await cleared();
  }
  const [all, guests, own] = [({ all }) => all, ({ guests }) => guests, ({ all, guests }) => all - guests].map((what) => median(took.map(what)));
  row("a gateway with 2 members, from Apply to proven, beyond the guests' own commands, median of 3", ms(own), "≤ 3,000 ms", `${ms(all)} in all, in ${ms(guests)} of which guests were at work`);
}

/** From the kernel's event of an address that is gone to the count of findings in the header. */
async function drift() {
  await apply({ bridge: [{ name: "mybr0", address: "192.168.48.1/24" }] });
  const watched = await open();
  const kernel = listen("ip", "monitor", "address");
  const seen = [];
  for (let nth = 0; nth < 15; nth += 1) {
    await watched.getByRole("button", { name: "no findings" }).waitFor();
    const shown = watched.evaluate(`(${appearance})(".badge.warn", "1 finding")`);
    const event = kernel.next(/Deleted.*192\.168\.48\.1/);
    await run("ip", "address", "delete", "192.168.48.1/24", "dev", "mybr0");
    seen.push((await shown) - (await event));
    await run("ip", "address", "add", "192.168.48.1/24", "dev", "mybr0");
  }
  kernel.end();
  await watched.context().close();
  await cleared();
  row("`ip addr del` to drift in the DOM, from the event: median, p95", `${ms(median(seen))}, ${ms(percentile(seen, 0.95))}`, "≤ 300 ms", "");
}

/** The server's resident memory, in bytes. */
async function resident() {
  const { pid } = JSON.parse(await readFile("/run/bridgehead/server.json", "utf8"));
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) * 1024;
}

async function memory() {
  const one = await open();
  row("server memory, 3 guests and 1 browser", `${Math.round((await resident()) / 1e6)} MB`, "", "Cockpit 38 MB in three processes");
  await one.context().close();
}

async function manyGuests() {
  const xml = await run("virsh", "dumpxml", "--inactive", "node2");
  const folder = "/tmp/bridgehead-bench";
  await run("mkdir", "-p", folder);
  const names = Array.from({ length: 1000 }, (_, nth) => `bench-${String(nth).padStart(4, "0")}`);
  const files = names.map(async (name, nth) => {
    const mac = `52:54:00:b0:${(nth >> 8).toString(16).padStart(2, "0")}:${(nth & 255).toString(16).padStart(2, "0")}`;
    const own = xml.replace(/<name>.*<\/name>/, `<name>${name}</name>`).replace(/<uuid>.*<\/uuid>/, "").replace(/<mac address=.*\/>/, `<mac address='${mac}'/>`);
    await writeFile(`${folder}/${name}.xml`, own);
    return `define ${folder}/${name}.xml`;
  });
  await run("virsh", "--quiet", (await Promise.all(files)).join("; "));
  try {
    const all = await open();
    await until(() => all.evaluate(() => document.body.innerText.includes("1000") || document.body.innerText.includes("1003")), "the page to know them", 60_000);
    await all.context().close();
    const seen = await navigations(3);
    row("1,000 defined guests: navigation to live, median", ms(median(seen.map((one) => one.live))), "≤ 1,500 ms", "Cockpit 21.9 s");
    row("1,000 defined guests: bytes", kb(median(seen.map(({ bytes }) => bytes))), "≤ 1 MB", "Cockpit 19 MB");
    row("1,000 defined guests: pointer to answer of a drag, median", ms(await dragAnswer()), "≤ 100 ms", "");
  } finally {
    await run("virsh", "--quiet", names.map((name) => `undefine ${name}`).join("; "));
    await rm(folder, { recursive: true });
  }
}

/** How long the picture takes to follow a pointer that holds something. */
async function dragAnswer() {
  const crowded = await open();
  const held = crowded.locator("#picture [data-new-nic]").first();
  const ground = await crowded.locator("#picture").boundingBox();
  const box = (await held.count()) > 0 ? await held.boundingBox() : { x: ground.x + 40, y: ground.y + ground.height - 60, width: 0, height: 0 };
  await crowded.evaluate(() => {
    globalThis.answers = [];
    let moved = 0;
    addEventListener("pointermove", () => { moved ||= performance.now(); }, true);
    new MutationObserver(() => {
      if (moved) requestAnimationFrame(() => { if (moved) globalThis.answers.push(performance.now() - moved); moved = 0; });
    }).observe(document.querySelector("#picture"), { subtree: true, childList: true, attributes: true });
  });
  await crowded.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await crowded.mouse.down();
  for (let step = 1; step <= 20; step += 1) await crowded.mouse.move(box.x + step * 12, box.y + step * 6);
  const answers = await crowded.evaluate(() => globalThis.answers);
  await crowded.mouse.up();
  await crowded.context().close();
  return answers.length > 0 ? median(answers) : Number.NaN;
}

async function manyLinks() {
  const lines = [];
  for (let bridge = 0; bridge < 20; bridge += 1) lines.push(`link add many${bridge} type bridge`);
  for (let pair = 0; pair < 1000; pair += 1) lines.push(`link add va${pair} type veth peer name vb${pair}`, `link set va${pair} master many${pair % 20}`);
  await writeFile("/tmp/bridgehead-bench.links", lines.join("\n"));
  await run("ip", "-batch", "/tmp/bridgehead-bench.links");
  await rm("/tmp/bridgehead-bench.links");
  const pages = [];
  for (let nth = 0; nth < 10; nth += 1) pages.push(await open());
  row("server memory, 1,000 veth pairs and 10 browsers", `${Math.round((await resident()) / 1e6)} MB`, "", "");
  for (const one of pages) await one.context().close();
}

const parts = { page, externalChanges, attach, engine, gateway, drift, memory, manyGuests, manyLinks };
const wanted = process.argv.slice(2);
await ready();
await browser();
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  // One figure that cannot be had is said, and the others are measured all the same.
  await measure().catch((error) => {
    process.exitCode = 1;
    row(name, `failed: ${error.message.split("\n")[0].replaceAll("|", "/")}`, "", "");
  });
}
await closeBrowser();
