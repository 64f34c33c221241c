// The picture: there with the first byte, true without reloading, honest when it is not.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fresh, live, onPicture, open, rail, screenshot, narrow, setTheme } from "./lib/browser.mjs";
import { cutOff, run, token, url } from "./lib/lab.mjs";

test("picture: the first HTML already holds it", async () => {
  const page = await fresh({ javaScriptEnabled: false });
  await page.goto(`${url}/?token=${token}`);
  for (const guest of ["master", "node1", "node2"]) assert.ok(await onPicture(page, `guest:${guest}`).isVisible(), guest);
  assert.ok(await rail(page, "virbr0").isVisible());
  assert.match(await page.locator("#picture").innerText(), /eno1/);
  assert.ok((await page.locator("#picture svg.cables path").count()) >= 3);
  await page.context().close();
});

test("picture: hydration changes nothing and says nothing", async () => {
  const page = await open();
  assert.deepEqual(page.errors, []);
  for (const guest of ["master", "node1", "node2"]) assert.ok(await onPicture(page, `guest:${guest}`).isVisible(), guest);
  await page.context().close();
});

test("picture: a bridge made elsewhere appears and goes without reload", async () => {
  const page = await open();
  try {
    await run("ip", "link", "add", "elsewhere", "type", "bridge");
    await rail(page, "elsewhere").waitFor();
    await run("ip", "address", "add", "172.31.7.1/24", "dev", "elsewhere");
    await rail(page, "elsewhere").filter({ hasText: "172.31.7.1/24" }).waitFor();
  } finally {
    await run("ip", "link", "delete", "elsewhere");
  }
  await rail(page, "elsewhere").waitFor({ state: "detached" });
  await page.context().close();
});

test("picture: a NIC attached by virsh appears and goes without reload", async () => {
  const page = await open();
  const mac = "52:54:00:7e:57:01";
  await run("virsh", "attach-interface", "node2", "network", "default", "--mac", mac, "--model", "virtio", "--live");
  await onPicture(page, `nic:${mac}`).waitFor();
  await run("virsh", "detach-interface", "node2", "network", "--mac", mac, "--live");
  await onPicture(page, `nic:${mac}`).waitFor({ state: "detached" });
  await page.context().close();
});

test("picture: the drawer shows what is one click away, and the URL says what is selected", async () => {
  const page = await open();
  await page.locator("#picture .card-name", { hasText: "node1" }).click();
  await page.waitForURL(/select=guest/);
  await page.getByRole("heading", { name: "node1" }).waitFor();
  await rail(page, "virbr0").click();
  await page.waitForURL(/select=link/);
  await page.getByRole("tab", { name: "FDB" }).click();
  await page.getByRole("tab", { name: "Leases" }).click();
  await page.getByRole("table").filter({ hasText: "192.168.122." }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "node1" }).waitFor();
  await page.context().close();
});

for (const [how, state] of [["reject", "offline"], ["drop", "stale"]]) {
  test(`picture: ${state} is shown as ${state}, recovers by itself, and misses nothing`, async () => {
    const page = await open();
    try {
      await cutOff(how, async () => {
        await page.locator(`.fresh.${state}`).waitFor({ timeout: 20_000 });
        await run("ip", "link", "add", "meanwhile", "type", "bridge");
      });
      await live(page, 30_000);
      await rail(page, "meanwhile").waitFor();
    } finally {
      await run("ip", "link", "delete", "meanwhile");
    }
    await page.context().close();
  });
}

test("picture: in Chinese, in both themes, and narrow", async () => {
  const page = await open({ locale: "zh-CN" });
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-Hans");
  await page.getByText("实时").waitFor();
  await page.context().close();
  for (const [shape, viewport] of [["wide", undefined], ["narrow", narrow]]) {
    for (const theme of ["light", "dark"]) {
      const page = await open(viewport ? { viewport } : {});
      await setTheme(page, theme);
      await live(page);
      assert.equal(await page.locator("html").getAttribute("data-theme"), theme);
      await screenshot(page, `picture-${shape}-${theme}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${shape}: ${overflow} pixels too wide`);
      await page.context().close();
    }
  }
});
