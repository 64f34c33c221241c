// Stopwatches for the bench.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { run } from "./lab.mjs";

export const median = (values) => percentile(values, 0.5);

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const ms = (value) => `${Math.round(value)} ms`;
export const kb = (value) => `${Math.round(value / 1000)} kB`;

/**
 * Counts every byte that a page receives, headers and socket frames included. `until` is what was asked for, or came over a
 * socket, before a moment in milliseconds since 1970; an answer counts as a whole.
 */
export async function meter(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("Network.enable");
  const received = new Map();
  // The browser's clock starts anywhere; each request says what both clocks show.
  let began = 0;
  client.on("Network.requestWillBeSent", ({ requestId, timestamp, wallTime }) => {
    began = wallTime - timestamp;
    received.set(requestId, { at: timestamp, bytes: received.get(requestId)?.bytes ?? 0 });
  });
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => { received.get(requestId).bytes += encodedDataLength; });
  client.on("Network.webSocketFrameReceived", ({ timestamp, response }) => {
    received.set(Symbol("frame"), { at: timestamp, bytes: Buffer.byteLength(response.payloadData) });
  });
  return {
    until: (moment) => [...received.values()].filter(({ at }) => (at + began) * 1000 <= moment).reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** In the page: notes when it first says that it is live. Milliseconds since navigation began. */
export function noteLive() {
  const look = () => {
    if (globalThis.becameLive === undefined && document.querySelector(".fresh.live")) globalThis.becameLive = performance.now();
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
}

/** In the page: the moment, in milliseconds since 1970, at which something that fits the selector is in the DOM. */
export function appearance(selector, text) {
  return new Promise((done) => {
    const there = () => [...document.querySelectorAll(selector)].some((element) => !text || element.textContent.includes(text));
    const look = () => {
      if (!there()) return;
      observer.disconnect();
      done(performance.timeOrigin + performance.now());
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    look();
  });
}

/** A program that prints events. `next(pattern)` is the moment at which a line that fits arrives. */
export function listen(program, ...args) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const waiting = new Set();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const at = performance.timeOrigin + performance.now();
    for (const one of [...waiting]) {
      if (!one.pattern.test(line)) continue;
      waiting.delete(one);
      one.done(at);
    }
  });
  return {
    next: (pattern) => new Promise((done) => waiting.add({ pattern, done })),
    end: () => child.kill(),
  };
}

/** How many milliseconds after the kernel's event each of so many new bridges is on the picture. */
export async function bridgesShown(page, count) {
  const kernel = listen("ip", "monitor", "link");
  const took = [];
  for (let nth = 0; nth < count; nth += 1) {
    const name = `bench${nth}`;
    const shown = page.evaluate(`(${appearance})(".rail-label b", "${name}")`);
    const event = kernel.next(new RegExp(`: ${name}:`));
    await run("ip", "link", "add", name, "type", "bridge");
    took.push((await shown) - (await event));
    await run("ip", "link", "delete", name);
  }
  kernel.end();
  return took;
}
