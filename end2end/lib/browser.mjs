// The browser: Debian's Chromium, driven over its debugging protocol.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

import { token, url } from "./lab.mjs";

/** Where screenshots go. */
export const results = new URL("../results/", import.meta.url).pathname;

export const wide = { width: 1440, height: 900 };
export const narrow = { width: 390, height: 844 };

const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

let running;

/** The one browser of this process; every page gets a profile of its own in it. */
export async function browser() {
  running ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
  return running;
}

export async function closeBrowser() {
  await (await running)?.close();
  running = undefined;
}

/** A page with a fresh profile; `page.errors` holds what went wrong in it. */
export async function fresh(options = {}) {
  const context = await (await browser()).newContext({ viewport: wide, locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // On the very host whose links change, a browser gives up what it was asking for. The page asks again.
    if (message.text().includes("net::ERR_NETWORK_CHANGED")) return;
    if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
  });
  page.errors = errors;
  page.setDefaultTimeout(15_000);
  return page;
}

/** A page that is logged in, hydrated and live. */
export async function open(options = {}) {
  const page = await fresh(options);
  await page.goto(`${url}/?token=${token}`);
  await live(page);
  return page;
}

/** Waits until all of the page has been brought to life, also what comes after the picture, and it hears from the server. */
export async function live(page, timeout = 15_000) {
  await page.locator("html[data-hydrated]").waitFor({ timeout });
  await page.locator(".fresh.live").waitFor({ timeout });
  await page.locator("#outline:not([data-asleep])").waitFor({ state: "attached", timeout });
}

/** An object on the picture, by the name that the URL gives it: `guest:node1`, `link:mybr0`, `nic:52:54:…`. */
export function onPicture(page, subject) {
  return page.locator(`#picture [data-subject="${subject}"]`).first();
}

/** A rail, by its bridge. Rails of libvirt's networks carry the bridge's name too. */
export function rail(page, bridge) {
  return page.locator(".rail-label").filter({ has: page.locator("b", { hasText: new RegExp(`^${bridge}$`) }) });
}

/** Drags with the pointer, in steps, as a hand would; `before` is done before it lets go. */
export async function drag(page, from, to, before = async () => {}) {
  const start = await middle(from);
  const end = await middle(to);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  for (let step = 1; step <= 8; step += 1) {
    await page.mouse.move(start.x + ((end.x - start.x) * step) / 8, start.y + ((end.y - start.y) * step) / 8);
  }
  await before();
  await page.mouse.up();
}

async function middle(locator) {
  await locator.waitFor();
  const box = await locator.boundingBox();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Presses Tab until the focus is on what the locator names; the way of a reader without a mouse. */
export async function tabTo(page, locator, limit = 250) {
  await locator.waitFor();
  for (let presses = 0; presses < limit; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${limit} times Tab did not reach ${locator}`);
}

/** Serious and critical findings of axe on this page. */
export async function axe(page) {
  const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // Evaluated by the debugger, so that the page's Content-Security-Policy can stay as it is.
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.target.join(" ")} (${node.any.map((any) => any.message).join("; ")})`).join(", ")}`);
}

export async function setTheme(page, theme) {
  await page.context().addCookies([{ name: "theme", value: theme, url }]);
  await page.reload();
}

export async function screenshot(page, name) {
  await mkdir(results, { recursive: true });
  await page.screenshot({ path: `${results}${name}.png` });
}
