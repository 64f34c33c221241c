// Takes the pictures of the README: the seed's network, built in a lab, in both themes.
import { mkdir } from "node:fs/promises";

import { closeBrowser, live, open, setTheme } from "./lib/browser.mjs";
import { bridgehead, ready, run, url, withoutDrafts } from "./lib/lab.mjs";

const folder = new URL("../docs/pictures/", import.meta.url).pathname;
await mkdir(folder, { recursive: true });
await ready();

/** A new page for each picture, so that none shows what was done for another. */
async function picture(name, options, act = async () => {}) {
  for (const theme of ["light", "dark"]) {
    const page = await open(options);
    await setTheme(page, theme);
    await live(page);
    await act(page);
    await page.screenshot({ path: `${folder}${name}-${theme}.png` });
    await page.context().close();
    await withoutDrafts();
  }
}

await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24", "--yes");
await picture("gateway", {}, async (page) => {
  await page.locator("#picture .card-name", { hasText: "master" }).click();
  await page.getByRole("heading", { name: "master" }).waitFor();
  await page.getByRole("button", { name: "Fit" }).click();
  await page.mouse.move(700, 700);
});
await picture("way", {}, async (page) => {
  await page.goto(`${url}/?select=guest%3Anode1&from=guest%3Anode1&to=10.0.0.9`);
  await live(page);
  await page.getByRole("status").filter({ hasText: /^Yes: / }).waitFor();
  await page.getByRole("button", { name: "Fit" }).click();
  await page.mouse.move(700, 700);
});
await picture("draft", {}, async (page) => {
  await page.locator("#picture [data-new-nic='node2']").click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Plug into").selectOption("bridge:mybr0");
  await form.getByLabel(/^Address with prefix length/).fill("192.168.48.30/24");
  await form.getByRole("button", { name: "Add to the draft" }).click();
  await page.locator("#tray").waitFor();
});
await closeBrowser();
