// How long it takes to put a network back after a start of host and guests. Labs on one state folder: the first makes the
// network (`make`), each of the next finds nothing of it left but the document and libvirt's definitions, and the last
// (`row`) prints a row of the bench's table.
import { readFile, writeFile } from "node:fs/promises";

import { api, bridgehead, committed, ready, run, until } from "./lib/lab.mjs";
import { median, ms } from "./lib/measure.mjs";

await ready();
if (process.argv[2] === "make") {
  await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24", "--yes");
} else {
  const file = `${process.env.BRIDGEHEAD_LAB}/starts.json`;
  const starts = JSON.parse(await readFile(file, "utf8").catch(() => "[]"));
  // The log goes on over all labs on the folder.
  const before = starts.at(-1)?.last ?? 0;
  const changes = async () => (await committed()).filter(({ id, why }) => id > before && why.startsWith("put back after a start"));
  const guests = async () => (await changes()).some(({ why }) => why.includes("guest node1"));
  const translates = async () => (await api("GET", "observed")).guests.master?.tables?.some(({ name }) => name === "bridgehead");
  const back = async () => (await guests()) && (await translates()) && (await api("GET", "drift")).length === 0;
  await until(back, "the network to be back", 90_000);
  // The last of them is seen to hold before it is over.
  await until(async () => (await api("GET", "changes"))?.state === "committed", "the last change to end");
  const took = await changes();
  const sum = (what) => took.reduce((all, change) => all + change[what], 0);
  starts.push({ all: sum("all"), steps: sum("steps"), last: took.at(-1).id });
  await writeFile(file, JSON.stringify(starts));
  if (process.argv[2] === "row") {
    const [all, steps] = ["all", "steps"].map((what) => median(starts.map((start) => start[what])));
    console.log(`| a gateway's network put back after a start of host and guests, median of ${starts.length} | ${ms(all)} | ≤ 2,000 ms | without the guests' own start; ${ms(steps)} of it are commands, nearly all in emulated guests |`);
  }
}
