// What silent guests cost the others: fifty whose agent has its port open and never answers, in a lab of their own, which ends
// with this. Their machines are stopped as soon as the agent is there: they cost nothing but silence. Prints a row of the
// bench's table. Compared is a picture of the same guests, off.
import { readFile, writeFile } from "node:fs/promises";

import { browser, closeBrowser, open } from "./lib/browser.mjs";
import { api, ready, run, until } from "./lib/lab.mjs";
import { bridgesShown, median, ms, percentile } from "./lib/measure.mjs";

const names = Array.from({ length: 50 }, (_, nth) => `silent-${String(nth).padStart(2, "0")}`);
/** So many start at a time. */
const abreast = 2;
const samples = 60;

/** A guest like node2, with a name and a MAC of its own, and no log of its console. */
async function define(name, nth) {
  const mac = `52:54:00:b1:00:${nth.toString(16).padStart(2, "0")}`;
  const xml = (await run("virsh", "dumpxml", "--inactive", "node2"))
    .replace(/<name>.*<\/name>/, `<name>${name}</name>`)
    .replace(/<uuid>.*<\/uuid>/, "")
    .replace(/<mac address=.*\/>/, `<mac address='${mac}'/>`)
    .replace(/<log file=.*\/>/, "")
    .replace("bridgehead.hostname=node2", `bridgehead.hostname=${name}`);
  const file = `/tmp/bridgehead-${name}.xml`;
  await writeFile(file, xml);
  await run("virsh", "define", file);
}

const domain = async (name) => (await api("GET", "observed")).domains[name];

/** Starts it, and stops its machine once libvirt hears its agent. */
async function silence(name) {
  await run("virsh", "start", name);
  await until(async () => (await domain(name))?.agent === "connected", `the agent of ${name}`, 60_000);
  process.kill(Number(await readFile(`/run/libvirt/qemu/${name}.pid`, "utf8")), "SIGSTOP");
}

async function latency() {
  const page = await open();
  await bridgesShown(page, 5);
  const took = await bridgesShown(page, samples);
  await page.context().close();
  return took;
}

await ready();
await browser();
for (const [nth, name] of names.entries()) await define(name, nth);
await until(async () => Object.keys((await api("GET", "observed")).domains).length >= names.length + 3, "the server to know them");
const without = await latency();
const began = Date.now();
const rest = [...names];
const worker = async () => {
  for (let name = rest.shift(); name; name = rest.shift()) await silence(name);
};
await Promise.all(Array.from({ length: abreast }, worker));
console.error(`${names.length} guests are silent after ${Math.round((Date.now() - began) / 1000)} s`);
const silent = await latency();
await closeBrowser();
const ratio = median(silent) / median(without);
console.log(`| ${names.length} silent guests: \`ip link add\` to changed DOM, from the event: median, p95 | ${ms(median(silent))}, ${ms(percentile(silent, 0.95))}: ${ratio.toFixed(2)} times | ≤ 1.1 times | the same guests off: ${ms(median(without))}, ${ms(percentile(without, 0.95))} |`);
