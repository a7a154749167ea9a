import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("a long computation says how far it is and how long it takes, and can be stopped", async () => {
  // Four tiles of six seconds each, which say so.
  const pattern = { levels: 40, floor: -400, delay: 6000, reports: 200 };
  const harness = await openViewer(browser, { pattern });
  const { page, viewer, complaints } = harness;
  await page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source, color: [255, 255, 255] }),
  );
  const wait = viewer.getByRole("region", { name: "Long computation" });
  const bar = wait.getByRole("progressbar");
  const part = async () => Number(await bar.getAttribute("value"));
  await wait
    .getByText(/^\d+ % of a long computation, at most (about 5|a few) seconds left$/)
    .waitFor();
  const early = await part();
  expect(early).toBeGreaterThan(0.1);
  await harness.screenshot("long wait");
  await expect.poll(part).toBeGreaterThan(early + 0.1);

  await wait.getByRole("button", { name: "Stop" }).click();
  await wait.waitFor({ state: "detached" });
  await viewer.getByText("4 tiles could not be loaded: their computation was stopped.").waitFor();
  await harness.screenshot("long wait, stopped");
  const requests = () =>
    page.evaluate(() =>
      [...window.host.store.requests.values()].map((request) => ({ ...request })),
    );
  await expect
    .poll(async () => (await requests()).every(({ cancelled }) => cancelled !== undefined))
    .toBe(true);
  // Nobody asked for more: neither the same again nor neighbours.
  await page.waitForTimeout(1500);
  expect(await requests()).toHaveLength(4);
  expect(await harness.state("state")).toBe("idle");

  await viewer.getByRole("button", { name: "Try again" }).click();
  await wait.waitFor();
  await harness.painted();
  await wait.waitFor({ state: "detached" });
  expect((await requests()).filter(({ done }) => done !== undefined)).toHaveLength(4);
  expect(complaints).toEqual([]);
});
