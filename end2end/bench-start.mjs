// How long it takes to put a network back after a start of host and guests. Two labs on one state folder: the first makes the
// network (`make`), the second finds nothing of it left but the document. Prints a row of the bench's table.
import { api, bridgehead, committed, ready, run, until } from "./lib/lab.mjs";
import { ms } from "./lib/measure.mjs";

await ready();
if (process.argv[2] === "make") {
  await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24", "--yes");
} else {
  const changes = async () => (await committed()).filter(({ why }) => why.startsWith("put back after a start"));
  const guests = async () => (await changes()).some(({ why }) => why.includes("guest node1"));
  const translates = async () => (await api("GET", "observed")).guests.master?.tables?.some(({ name }) => name === "bridgehead");
  const back = async () => (await guests()) && (await translates()) && (await api("GET", "drift")).length === 0;
  await until(back, "the network to be back", 90_000);
  // The last of them is seen to hold before it is over.
  await until(async () => (await api("GET", "changes"))?.state === "committed", "the last change to end");
  const took = await changes();
  const sum = took.reduce((all, change) => all + change.all, 0);
  console.log(`| a gateway's network put back after a start of host and guests, in ${took.length} changes | ${ms(sum)} | ≤ 2,000 ms | the guests' own start is not in it |`);
}
