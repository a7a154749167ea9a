import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Harness, launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function open(size = { width: 900, height: 600 }): Promise<Harness> {
  const harness = await openViewer(browser, {}, { size });
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source }),
  );
  await harness.painted();
  return harness;
}

/** What axe-core finds in the viewer: rule and element, the serious and the rest. */
async function findings(harness: Harness): Promise<string[]> {
  const frame = harness.page.frames()[1];
  if (!frame) throw new Error("the viewer has no frame");
  await frame.evaluate(axe.source);
  return frame.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { iframes: false });
    return violations.flatMap(({ id, impact, nodes }) =>
      nodes.map(({ html }) => `${impact} ${id}: ${html.slice(0, 120)}`),
    );
  });
}

const STATES: readonly (readonly [name: string, key: string | undefined])[] = [
  ["at first", undefined],
  ["with the places open", "p"],
  ["with the colours open", "c"],
  ["with the help open", "?"],
];

describe.each([
  { width: 900, height: 600 },
  { width: 320, height: 480 },
])("at $width × $height", (size) => {
  test("axe-core finds nothing, whatever is open, and nothing is cut off", async () => {
    const harness = await open(size);
    for (const [name, key] of STATES) {
      await harness.viewer.locator(".stage").focus();
      if (key) await harness.page.keyboard.press(key);
      await harness.page.waitForTimeout(500);
      expect(await findings(harness), name).toEqual([]);
      const overflow = await harness.viewer
        .locator("main, .panel, .panel-body, dialog[open]")
        .evaluateAll(
          (boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).length,
        );
      expect(overflow, name).toBe(0);
      await harness.screenshot(`${size.width}-${name.replaceAll(" ", "-")}`);
    }
  });
});

test.each([
  { width: 900, height: 600 },
  { width: 320, height: 480 },
])("at $width × $height what went wrong is said where nothing else is", async (size) => {
  const harness = await openViewer(browser, {}, { size });
  await harness.page.evaluate(async () => {
    window.host.store.broken.push("39/0.1");
    await window.host.api.add_image?.({ source: window.host.store.source });
    const source = { _rintf: true, _rtype: "zarr-group", getItem: async () => null };
    await window.host.api.add_image?.({ source, name: "nothing" })?.catch(() => undefined);
  });
  await harness.viewer.locator(".failed-notice").waitFor();
  await harness.viewer.getByRole("button", { name: "Dismiss" }).waitFor();
  await harness.viewer.locator(".toolbar").waitFor();
  await harness.viewer.locator(".status").waitFor();
  expect(await findings(harness)).toEqual([]);
  await harness.screenshot(`${size.width}-trouble`);
  const boxes = await harness.viewer
    .locator(".problem, .failed-notice, .toolbar, .status")
    .evaluateAll((elements) =>
      elements.map((element) => {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        return { name: element.className, left, top, right, bottom };
      }),
    );
  expect(boxes.length).toBe(4);
  const overlapping = boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `${a.name} and ${b.name}`),
  );
  expect(overlapping).toEqual([]);
});

test.each([
  { width: 320, height: 240 },
  { width: 900, height: 240 },
])("at $width × $height an open panel leaves the toolbar and the status free", async (size) => {
  const harness = await open(size);
  for (const name of ["Places", "Colours"]) {
    await harness.viewer.getByRole("button", { name, exact: true }).click();
    const [panel, toolbar, status] = await Promise.all(
      [".panel", ".toolbar", ".status"].map((part) =>
        harness.viewer.locator(part).evaluate((element) => {
          const { top, bottom } = element.getBoundingClientRect();
          return { top, bottom };
        }),
      ),
    );
    await harness.screenshot(`${size.width}-low-${name}`);
    expect(panel?.top, name).toBeGreaterThanOrEqual(toolbar?.bottom ?? Number.NaN);
    expect(panel?.bottom, name).toBeLessThanOrEqual(status?.top ?? Number.NaN);
    const last = harness.viewer.locator(".panel-body > *:last-child");
    await last.scrollIntoViewIfNeeded();
    expect(await last.isVisible(), name).toBe(true);
  }
});

test("everything is reached by keyboard, and seen to be", async () => {
  const harness = await open();
  await harness.viewer.locator(".stage").focus();
  await harness.page.keyboard.press("c");
  const reached = new Set<string>();
  for (let i = 0; i < 30; i++) {
    await harness.page.keyboard.press("Tab");
    const seen = await harness.page.frames()[1]?.evaluate(() => {
      const { activeElement: active } = document;
      if (!active || active === document.body) return undefined;
      const { outlineStyle, outlineWidth } = getComputedStyle(active);
      const labelled = (active as HTMLInputElement).labels?.[0]?.textContent;
      const name = active.getAttribute("aria-label") ?? labelled ?? active.textContent ?? "";
      const outline = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1;
      const frame = getComputedStyle(active, "::after").borderTopStyle === "solid";
      return { name, outlined: outline || frame };
    });
    if (!seen) continue;
    expect(seen.name).not.toBe("");
    expect(seen.outlined, seen.name).toBe(true);
    reached.add(seen.name);
  }
  for (const name of ["Places", "Colours", "Fly", "Help", "Close Colours", "Scaling", "Density"]) {
    expect([...reached]).toContain(name);
  }
});

test("the keyboard goes on where a panel was opened, and help gives it back", async () => {
  const harness = await open();
  const focused = () =>
    harness.page.frames()[1]?.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  const places = harness.viewer.getByRole("button", { name: "Places", exact: true });
  await places.focus();
  await harness.page.keyboard.press("Enter");
  await harness.viewer.getByRole("complementary", { name: "Places" }).waitFor();
  await harness.viewer.getByLabel("Width").focus();
  await harness.page.keyboard.press("Escape");
  expect(await focused()).toBe("Places");
  await harness.page.keyboard.press("?");
  await harness.viewer.getByRole("dialog").waitFor();
  await harness.page.keyboard.press("Escape");
  await expect.poll(focused).toBe("Places");
});

test("the viewer fills the screen and comes back", async () => {
  const harness = await open();
  await harness.viewer.getByRole("button", { name: "Full screen" }).click();
  await harness.viewer.getByRole("button", { name: "Leave full screen" }).waitFor();
  await harness.painted();
  await harness.screenshot("full-screen");
  await harness.viewer.getByRole("button", { name: "Leave full screen" }).click();
  await harness.viewer.getByRole("button", { name: "Full screen", exact: true }).waitFor();
});
