// axe finds nothing serious on any page, dialog or drawer, light or dark.
import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, fresh, live, narrow, open, setTheme } from "./lib/browser.mjs";
import { url } from "./lib/lab.mjs";

for (const theme of ["light", "dark"]) {
  test(`accessibility: the login page, ${theme}`, async () => {
    const page = await fresh({ colorScheme: theme });
    await page.goto(`${url}/login`);
    assert.deepEqual(await axe(page), []);
    await page.context().close();
  });

  test(`accessibility: the picture, its outline, drawer, tray and dialogs, ${theme}`, async () => {
    const page = await open();
    await setTheme(page, theme);
    await live(page);
    assert.deepEqual(await axe(page), [], "picture");

    await page.getByRole("button", { name: "Outline", exact: true }).click();
    assert.deepEqual(await axe(page), [], "outline");

    for (const subject of ["guest:master", "link:virbr0", "host", "link:eno1", "network:default"]) {
      await page.goto(`${url}/?select=${encodeURIComponent(subject)}`);
      await live(page);
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        assert.deepEqual(await axe(page), [], `drawer of ${subject}, ${await tab.innerText()}`);
      }
    }

    await page.goto(url);
    await live(page);
    await page.locator(".new-bridge").click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await axe(page), [], "dialog");
    await page.getByLabel("Name", { exact: true }).fill("drafted0");
    await page.getByRole("button", { name: "Add to the draft" }).click();
    await page.locator("#tray").waitFor();
    assert.deepEqual(await axe(page), [], "tray");
    await page.getByRole("button", { name: "Discard", exact: true }).click();
    await page.context().close();
  });

  test(`accessibility: a narrow screen, ${theme}`, async () => {
    const page = await open({ viewport: narrow });
    await setTheme(page, theme);
    await live(page);
    assert.deepEqual(await axe(page), []);
    await page.context().close();
  });
}

test("accessibility: the outline names everything that the picture shows", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Outline", exact: true }).click();
  const outline = page.getByRole("navigation", { name: "Outline" });
  for (const name of ["virbr0", "eno1", "master", "node1", "node2"]) {
    await outline.getByRole("button", { name, exact: true }).first().waitFor();
  }
  await page.context().close();
});
