// What a person does with the draft: read it, apply it, see how it went.
import { rail } from "./browser.mjs";

export const tray = (page) => page.locator("#tray");

/** The sentences of the plan that the tray shows. */
export async function sentences(page) {
  return tray(page).locator(".steps li > span:nth-child(2)").allInnerTexts();
}

/** Presses Apply, and waits until the change is committed. */
export async function apply(page) {
  await tray(page).getByRole("button", { name: "Apply" }).click();
  await committed(page);
}

export async function committed(page) {
  const head = tray(page).getByRole("status").filter({ hasText: /^(Applied|Rolled back)$/ });
  await head.waitFor({ timeout: 60_000 });
  const words = await tray(page).innerText();
  if (words.startsWith("Rolled back")) throw new Error(words);
}

/** Drafts a new bridge, and waits until it is on the picture. */
export async function draftBridge(page, name, address) {
  await fillBridge(page, name, address);
  await rail(page, name).waitFor();
}

/** Fills the form of a new bridge. */
export async function fillBridge(page, name, address) {
  await page.locator(".new-bridge").click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByLabel(/^Addresses of the host/).fill(address);
  await form.getByRole("button", { name: "Add to the draft" }).click();
}

export const plug = (page, guest) => page.locator(`#picture [data-new-nic="${guest}"]`);
