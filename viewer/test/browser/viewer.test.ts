import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("the whole set is painted after the metadata and four tiles", async () => {
  const harness = await openViewer(browser);
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source }),
  );
  await harness.painted();
  await harness.screenshot("whole-set");
  const asked = await harness.page.evaluate(() => window.host.store.asked);
  expect(asked[0]).toBe(".zmetadata");
  expect(asked.slice(1).sort()).toEqual(["39/0.0", "39/0.1", "39/1.0", "39/1.1"]);
  expect(harness.complaints).toEqual([]);
});
