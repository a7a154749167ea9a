import type { Browser } from "playwright-core";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, openViewer } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

test("an image of several times and channels has a control for each, by name", async () => {
  const harness = await openViewer(browser);
  const asked = await harness.page.evaluate(async () => {
    const asked: string[] = [];
    const metadata = {
      ".zgroup": { zarr_format: 2 },
      ".zattrs": {
        multiscales: [
          {
            version: "0.4",
            name: "cells",
            axes: [
              { name: "t", type: "time" },
              { name: "c", type: "channel" },
              { name: "y", type: "space" },
              { name: "x", type: "space" },
            ],
            datasets: [
              {
                path: "0",
                coordinateTransformations: [{ type: "scale", scale: [1, 1, 1, 1] }],
              },
            ],
          },
        ],
        omero: {
          channels: [
            { label: "nuclei", color: "0000FF", window: { start: 0, end: 200 }, active: true },
            { label: "actin", color: "00FF00", window: { start: 0, end: 200 }, active: true },
          ],
        },
      },
      "0/.zarray": {
        zarr_format: 2,
        shape: [3, 2, 64, 64],
        chunks: [1, 1, 64, 64],
        dtype: "|u1",
        compressor: null,
        fill_value: 0,
        order: "C",
        filters: null,
        dimension_separator: ".",
      },
    };
    const source = {
      _rintf: true,
      _rtype: "zarr-group",
      async getItem(key: string) {
        asked.push(key);
        if (key === ".zmetadata") {
          const text = JSON.stringify({ zarr_consolidated_format: 1, metadata });
          return new TextEncoder().encode(text).buffer;
        }
        const [, t, c] = /^0\/(\d)\.(\d)\.0\.0$/.exec(key) ?? [];
        if (t === undefined) return null;
        // Nuclei fade with time, actin grows.
        const value = c === "0" ? 200 - 100 * Number(t) : 100 * Number(t);
        return new Uint8Array(64 * 64).fill(value).buffer;
      },
      containsItem: async (key: string) => key === ".zmetadata",
    };
    await window.host.api.add_image?.({ source });
    return asked;
  });
  expect(asked[0]).toBe(".zmetadata");
  await harness.painted();
  const middle = async () => {
    await harness.page.waitForTimeout(300);
    await harness.painted();
    const { width, data } = PNG.sync.read(await harness.screenshot("dimensions"));
    return [...data.subarray((300 * width + 400) * 4, (300 * width + 400) * 4 + 3)];
  };
  expect(await middle()).toEqual([0, 0, 255]);

  await harness.viewer.getByRole("button", { name: "Colours" }).click();
  await harness.viewer.getByRole("slider", { name: /^t/ }).fill("2");
  expect(await middle()).toEqual([0, 255, 0]);
  await harness.viewer.getByRole("slider", { name: /^t/ }).fill("1");
  const [, green = 0, blue = 0] = await middle();
  expect(Math.abs(green - 128)).toBeLessThan(3);
  expect(Math.abs(blue - 128)).toBeLessThan(3);
  await harness.viewer.getByRole("checkbox", { name: "actin" }).uncheck();
  expect((await middle())[1]).toBe(0);
  await harness.viewer
    .getByRole("group", { name: "nuclei" })
    .getByLabel("Colour", { exact: true })
    .fill("#ff0000");
  expect((await middle())[0]).toBeGreaterThan(120);
  // What is no plane of the complex numbers has pixels, and no famous places.
  await harness.viewer.locator(".stage").focus();
  await harness.page.keyboard.press("p");
  expect(await harness.viewer.getByLabel("x", { exact: true }).inputValue()).toBe("32");
  expect(await harness.viewer.getByRole("region", { name: "Gallery" }).count()).toBe(0);
  expect(harness.complaints).toEqual([]);
});
