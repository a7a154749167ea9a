import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Harness, launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function open(): Promise<Harness> {
  const harness = await openViewer(browser, { pattern: { levels: 40, floor: -400 } });
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source, color: [255, 255, 255] }),
  );
  await harness.painted();
  return harness;
}

const zoomOf = ({ page }: Harness) =>
  page.evaluate(async () => {
    const view = (await window.host.api.get_view_state?.()) as { zoom: number };
    return view.zoom;
  });

test("the fly button flies in until it is pressed again", async () => {
  const harness = await open();
  const before = await zoomOf(harness);
  const fly = harness.viewer.getByRole("button", { name: "Fly" });
  await fly.click();
  expect(await fly.getAttribute("aria-pressed")).toBe("true");
  await expect.poll(() => zoomOf(harness), { timeout: 20_000 }).toBeGreaterThan(before + 2);
  await fly.click();
  expect(await fly.getAttribute("aria-pressed")).toBe("false");
  const there = await zoomOf(harness);
  await harness.page.waitForTimeout(500);
  expect(await zoomOf(harness)).toBe(there);
  await harness.painted();
  expect(harness.complaints).toEqual([]);
});

test("who wants less motion is taken there at once", async () => {
  const harness = await open();
  const { page, viewer } = harness;
  await page.emulateMedia({ reducedMotion: "reduce" });
  const before = await zoomOf(harness);
  // In one task: no frame can have come in between.
  const zooms = await page.evaluate(async () => {
    await window.host.api.go_to?.({ center: ["-0.75", "0.1"], width: "1e-6" });
    return window.host.api.get_view_state?.();
  });
  expect((zooms as { width: string }).width).toMatch(/^(1\.?0*e-6|9\.9999\d*e-7)$/);
  await page.evaluate(() => window.host.api.set_view_state?.({ zoom: -39, target: [5e14, 5e14] }));
  await viewer.locator(".stage").focus();
  await page.keyboard.press("+");
  expect(await zoomOf(harness)).toBe(-38);
  expect(before).toBeLessThan(-38);
  // A flick: the picture stays where the hand left it.
  await page.mouse.move(400, 300);
  await page.mouse.down();
  for (let x = 400; x <= 480; x += 20) await page.mouse.move(x, 300);
  await page.mouse.up();
  const target = () => page.evaluate(async () => window.host.api.get_view_state?.());
  const left = await target();
  await page.waitForTimeout(400);
  expect(await target()).toEqual(left);
});
