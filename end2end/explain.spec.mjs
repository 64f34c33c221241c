// "Why can't A reach B?", asked as a user would: the verdict, the way with its translations, and the very rule that says no.
import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, fresh, live, narrow, onPicture, open, screenshot, setTheme, tabTo } from "./lib/browser.mjs";
import { apply, tray } from "./lib/draft.mjs";
import { api, bridgehead, cleared, run, token, url } from "./lib/lab.mjs";

const drawer = (page) => page.getByRole("complementary", { name: "Details" });
const verdict = (page, words) => drawer(page).getByRole("status").filter({ hasText: words }).waitFor();
const hops = (page, way) => drawer(page).getByRole("list", { name: way, exact: true }).locator(".go-to").allInnerTexts();
const marked = (page, subject, mark) => page.locator(`#picture [data-subject="${subject}"][data-way="${mark}"]`).first();
const unmarked = (page) => page.locator("#picture [data-way]").first().waitFor({ state: "detached" });
const question = "/?select=guest%3Anode1&from=guest%3Anode1&to=10.0.0.9";

const private_ = String.raw`192\.168\.48\.\d+`;
const leased = String.raw`192\.168\.122\.\d+`;
const there = /^node1:eth\d+ vnet\d+ mybr0 vnet\d+ master:eth\d+ master:eth\d+ vnet\d+ virbr0 eno1 Outside$/;

/** Has master be node1's gateway for the time of a function. */
async function behindGateway(during) {
  await cleared();
  await run(bridgehead, "gateway", "mybr0", "--via", "master", "--members", "node1", "--subnet", "192.168.48.0/24", "--yes");
  try {
    await during();
  } finally {
    await cleared();
  }
}

/** Has the host drop what goes out to there, for the time of a function; the rule's handle. */
async function dropped(address, during) {
  const said = await run("nft", "--echo", "--handle", "insert", "rule", "ip", "filter", "FORWARD", "oifname", "eno1", "ip", "daddr", address, "counter", "drop");
  const [, handle] = said.match(/# handle (\d+)/);
  try {
    await during(handle);
  } finally {
    await run("nft", "delete", "rule", "ip", "filter", "FORWARD", "handle", handle);
  }
}

/** Opens the question, and waits until the field has the focus in which one writes. */
async function asked(page) {
  await drawer(page).getByRole("button", { name: "Can it reach…?" }).click();
  await page.locator("#explain-to:focus").waitFor();
}

test("explain: a member's way out, there and back, in words and on the picture", async () => {
  await behindGateway(async () => {
    const page = await open();
    await page.locator("#picture .card-name", { hasText: "node1" }).click();
    await asked(page);
    await page.keyboard.type("10.0.0.9");
    await page.keyboard.press("Enter");
    await verdict(page, /^Yes: node1 reaches 10\.0\.0\.9$/);

    const way = await hops(page, "There");
    assert.match(way.join(" "), there);
    assert.deepEqual(await hops(page, "And back"), way.toReversed());
    const translated = (from, to) => drawer(page).getByText(new RegExp(`^source ${from} becomes ${to}$`)).waitFor();
    await translated(private_, leased);
    await translated(leased, String.raw`10\.0\.0\.\d+`);
    await drawer(page).getByText(/^destination 10\.0\.0\.\d+ becomes 192\.168\.122\.\d+$/).waitFor();
    await drawer(page).getByText("Taken for granted").waitFor();

    for (const subject of ["guest:node1", "link:mybr0", "guest:master", "link:virbr0", "host", "link:eno1", "outside"]) {
      await marked(page, subject, "passed").waitFor();
    }
    assert.equal(await page.locator("#picture .line[data-way]").count(), 5, "three taps, the host's way to virbr0, and eno1");
    assert.equal(await page.locator('#picture [data-subject="guest:node2"][data-way]').count(), 0);
    await screenshot(page, "explain");

    await drawer(page).getByRole("button", { name: "mybr0", exact: true }).first().click();
    await page.waitForURL(/\?select=link%3Amybr0&from=guest%3Anode1&to=10\.0\.0\.9$/);
    await page.locator(".rail-label.selected").filter({ hasText: "mybr0" }).waitFor();
    await verdict(page, /^Yes: /);
    const [tap] = way.filter((name) => name.startsWith("vnet"));
    await drawer(page).getByRole("button", { name: tap, exact: true }).first().click();
    await page.locator('#picture .line[data-way="selected"]').waitFor({ state: "attached" });
    await page.goBack();
    await page.waitForURL(/\?select=link%3Amybr0&from=/);
    await page.reload();
    await live(page);
    await verdict(page, /^Yes: /);

    await drawer(page).getByRole("button", { name: "Back to the details" }).click();
    await drawer(page).getByRole("tab", { name: "FDB" }).waitFor();
    await page.waitForURL(/\?select=link%3Amybr0$/);
    await unmarked(page);
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
});

test("explain: a rule that somebody adds turns the answer round, and is named", async () => {
  await behindGateway(async () => {
    const page = await open();
    await page.goto(`${url}${question}`);
    await verdict(page, /^Yes: /);
    await dropped("10.0.0.9", async (handle) => {
      await verdict(page, /^No: node1 does not reach 10\.0\.0\.9$/);
      const fact = (word) => drawer(page).locator("dt", { hasText: new RegExp(`^${word}$`) }).locator("xpath=following-sibling::dd[1]");
      assert.equal(await fact("Table").innerText(), "ip filter");
      assert.equal(await fact("Chain").innerText(), "FORWARD");
      assert.equal(await fact("Handle").innerText(), handle);
      assert.match(await fact("Rule").innerText(), /^oifname "eno1" ip daddr 10\.0\.0\.9 counter drop$/);
      assert.equal(await fact("Put there by").innerText(), "somebody");
      await drawer(page).getByText("It ends here.").waitFor();
      await marked(page, "host", "stop").waitFor();
      for (const theme of ["light", "dark"]) {
        await setTheme(page, theme);
        await live(page);
        await verdict(page, /^No: /);
        await drawer(page).locator("summary").first().click();
        assert.deepEqual(await axe(page), [], theme);
        await screenshot(page, `explain-no-${theme}`);
      }
    });
    await verdict(page, /^Yes: /);
    await marked(page, "host", "stop").waitFor({ state: "detached" });
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
});

test("explain: a promise is made of an answer, watched, told of before it would be broken, and released", async () => {
  await behindGateway(async () => {
    const page = await open();
    await page.goto(`${url}${question}`);
    await verdict(page, /^Yes: /);
    await drawer(page).getByRole("button", { name: "Promise that it stays so" }).click();
    await tray(page).getByText("promise node1 > 10.0.0.9: added").waitFor();
    await apply(page);
    const promise = drawer(page).getByRole("list", { name: "Promises" }).getByRole("listitem");
    await promise.filter({ hasText: "node1 reaches 10.0.0.9" }).filter({ hasText: "kept" }).waitFor();
    assert.deepEqual((await api("GET", "document")).cluster.promise, [{ from: "node1", to: "10.0.0.9" }]);
    await page.getByRole("button", { name: "no findings" }).waitFor();

    await dropped("10.0.0.9", async (handle) => {
      await promise.filter({ hasText: `not kept: rule ${handle} (somebody) of chain FORWARD` }).waitFor();
      await screenshot(page, "promise-broken");
      await page.getByRole("button", { name: "1 finding" }).click();
      await page.getByRole("dialog").getByText(/^This promise is not kept: node1 reaches 10\.0\.0\.9\. Rule /).waitFor();
      await page.keyboard.press("Escape");
    });
    await page.getByRole("button", { name: "no findings" }).waitFor();
    await promise.filter({ hasText: /kept/ }).waitFor();

    // Without the gateway it would get there by the NIC that node1 had before.
    const { cluster } = await api("GET", "document");
    const draft = { ...cluster, gateway: [], promise: [{ ...cluster.promise[0], through: "master" }] };
    const { notes, steps } = await api("POST", "plan", { cluster: draft });
    const [breaks] = notes.filter(({ code }) => code === "promise-breaks");
    assert.match(breaks.text.en, /^This would break a promise: node1 reaches 10\.0\.0\.9 through master\. It gets there, but not /);
    assert.ok(steps.length > 0);

    await promise.getByRole("button", { name: "Release" }).click();
    await tray(page).getByText("promise node1 > 10.0.0.9: removed").waitFor();
    await apply(page);
    await promise.waitFor({ state: "detached" });
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
});

test("explain: by keyboard alone, and what cannot be asked says why", async () => {
  const page = await open();
  const wrong = (words) => drawer(page).getByRole("alert").filter({ hasText: words }).waitFor();
  const write = async (label, text) => {
    await tabTo(page, drawer(page).getByLabel(label));
    await page.keyboard.press("Control+A");
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
  };
  await page.keyboard.press("w");
  await page.locator("#explain-to:focus").waitFor();
  await page.waitForURL(/\?select=host&from=host$/);
  await drawer(page).getByText(/^Complete the question/).waitFor();
  await page.keyboard.type("node1");
  await page.keyboard.press("Enter");
  await verdict(page, /^Yes: host reaches node1$/);

  await write(/^To:/, "nobody");
  await wrong("nobody");
  await write(/^To:/, "outside");
  await wrong("is no address");
  await write(/^To:/, "255.255.255.255");
  await wrong("255.255.255.255");
  await unmarked(page);

  await write(/^To:/, "node1");
  await drawer(page).getByLabel("Protocol").selectOption("TCP");
  await write("Port", "http");
  await wrong("http is not a port");
  await write("Port", "22");
  await verdict(page, /^Yes: /);
  await page.waitForURL(/&to=node1&protocol=tcp&port=22$/);

  await page.keyboard.press("Escape");
  await drawer(page).waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).search, "");
  await unmarked(page);
  await onPicture(page, "guest:node1").waitFor();
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("explain: on a narrow screen, and in Chinese", async () => {
  const page = await fresh({ viewport: narrow });
  await page.goto(`${url}/?token=${token}`);
  await page.context().addCookies([{ name: "language", value: "zh", url }]);
  await page.goto(`${url}/?select=host&from=host&to=node1`);
  await live(page);
  await page.getByRole("status").filter({ hasText: /^可达：主机 能到达 node1$/ }).waitFor();
  await page.getByRole("list", { name: "去程" }).getByText("node1:").first().waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), narrow.width);
  assert.deepEqual(await axe(page), []);
  await screenshot(page, "explain-narrow");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
