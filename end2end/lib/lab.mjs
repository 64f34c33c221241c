// The lab around this process: `bridgehead lab run` set BRIDGEHEAD_URL and BRIDGEHEAD_TOKEN, and ip, virsh and nft see its world.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

export const url = needed("BRIDGEHEAD_URL");
export const token = needed("BRIDGEHEAD_TOKEN");
export const bridgehead = process.env.BRIDGEHEAD ?? new URL("../../target/release/bridgehead", import.meta.url).pathname;

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this inside a lab, as \`make test\` does: tools/lab run -- node end2end/run.mjs`);
  return value.replace(/\/$/, "");
}

/** Runs a program; its output, or an error that holds what it said. */
export async function run(program, ...args) {
  const { stdout } = await execute(program, args, { maxBuffer: 256 << 20, timeout: 120_000 });
  return stdout;
}

/** A request to the API, as a script would send it. */
export async function api(method, path, body) {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text === "" ? null : JSON.parse(text);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return answer;
}

/** Makes the network what a document says, and waits for the end of the change. */
export async function apply(cluster) {
  await until(async () => final((await api("GET", "changes"))?.state ?? "committed"), "the change before to end");
  const { version } = await api("GET", "document");
  const { based_on, steps, notes } = await api("POST", "plan", { cluster });
  const blocks = notes.filter(({ severity }) => severity === "block");
  if (blocks.length > 0) throw new Error(`blocked: ${blocks.map(({ text }) => text.en).join("; ")}`);
  let change = await api("POST", "changes", { cluster, version, based_on, steps });
  await until(async () => {
    change = (await api("GET", "changes")) ?? change;
    if (change.state === "awaiting-confirmation") await api("POST", `changes/${change.id}/confirm`, {}).catch(() => {});
    return final(change.state);
  }, "the change to end");
  if (change.state !== "committed") throw new Error(`${change.state}: ${change.error}; ${steps.length} steps`);
  return change;
}

const final = (state) => state === "committed" || state === "rolled-back";

/**
 * The changes that the dashboard's log calls committed, and how many milliseconds each took: in all, for its steps alone, and
 * while it waited for what guests did (what they did at the same time counts once).
 */
export async function committed() {
  const log = await readFile(`${needed("BRIDGEHEAD_LAB")}/log/bridgehead.log`, "utf8");
  const lines = log.matchAll(/change (\d+) \((.*)\): committed in (\d+) ms, (\d+) ms of them for its steps; guests worked (\d+) ms/g);
  return [...lines].map(([, id, why, ...took]) => {
    const [all, steps, guests] = took.map(Number);
    return { id: Number(id), why, all, steps, guests };
  });
}

/** Discards everybody's drafts, those of pages that were closed too. */
export async function withoutDrafts() {
  for (const { who } of await api("GET", "drafts")) await api("DELETE", `drafts/${encodeURIComponent(who)}`);
}

/** Back to an empty document: nothing of ours is left, and no draft. */
export async function cleared() {
  await withoutDrafts();
  const { cluster } = await api("GET", "document");
  if (Object.keys(cluster).length > 0) await apply({});
}

/** Asks again until the answer is true. */
export async function until(question, what, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    if (await question()) return;
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Repeats a check that may fail at first: guests and leases take their time. Throws what it threw last. */
export async function settled(check, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** Waits until every guest has its address and its agent answers. */
export async function ready() {
  await until(async () => {
    const { domains, guests } = await api("GET", "observed");
    return Object.keys(domains).length >= 3 && Object.keys(domains).every((name) => guests[name]?.interfaces?.some((nic) => nic.addresses.some((net) => net.includes("."))));
  }, "the guests to answer", 60_000);
}

/**
 * Takes the dashboard off the network, on loopback too, for the time of a function: with `drop` it falls silent, with
 * `reject` its connections break.
 */
export async function cutOff(how, during) {
  const port = new URL(url).port;
  const verdict = how === "reject" ? "reject with tcp reset" : "drop";
  await run("nft", `add table inet cut; add chain inet cut input { type filter hook input priority -300; }; add rule inet cut input tcp dport ${port} ${verdict}`);
  try {
    return await during();
  } finally {
    await run("nft", "delete table inet cut");
  }
}

/** What is so, without what moves by itself: to compare a network before and after. */
export async function structure() {
  const { links, routes, sysctls, tables, networks, domains, guests } = named(await run(bridgehead, "observe", "--json"));
  const name = (index) => links[index]?.name ?? null;
  return {
    // A topology change shortens the ageing of a bridge with STP for half a minute.
    links: sorted(Object.values(links).map((link) =>
      plain(link, { index: null, master: name(link.master), peer: null, bridge: link.bridge && plain(link.bridge, { ageing: null }) }))),
    routes: sorted(routes.map((route) => plain(route, { link: name(route.link) }))),
    sysctls,
    tables: sorted(Object.values(tables).map(withoutHandles)),
    networks: sorted(Object.values(networks).map((network) => plain(network, { leases: null }))),
    domains: sorted(Object.values(domains)),
    guests: Object.fromEntries(Object.entries(guests).map(([guest, facts]) => [guest, withoutHandles(facts)])),
  };
}

/** What `observe` said, with each tap named by its guest's NIC: libvirt numbers taps and devices in the order of plugging. */
function named(text) {
  const { domains } = JSON.parse(text);
  const nics = Object.values(domains).flatMap(({ nics }) => nics).filter(({ tap }) => tap);
  const anonymous = text.replace(/"alias": *"net\d+"/g, '"alias": null');
  return JSON.parse(nics.reduce((said, { tap, mac }) => said.replaceAll(`"${tap}"`, `"tap of ${mac}"`), anonymous));
}

const plain = (object, changes) => ({ ...object, ...changes });
const sorted = (list) => list.map((item) => JSON.stringify(item)).sort().map((text) => JSON.parse(text));

/** Handles are numbered on and on: a rule that was added and removed again leaves a gap. */
function withoutHandles(value) {
  if (Array.isArray(value)) return value.map(withoutHandles);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== "handle").map(([key, inner]) => [key, withoutHandles(inner)]));
}
