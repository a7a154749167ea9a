import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Camera, pointAt, project, toViewState } from "../../src/frames";
import { cameraOf, planeOf } from "../../src/plane";
import { type Harness, launchBrowser, openViewer } from "./page";

const SIZE = { width: 900, height: 600 };
/** Beside the needle, as deep as float64 would long have given up. */
const START = { center: ["-1.7685375", "0.0012345"], width: "1e-40" } as const;

let browser: Browser;
let harness: Harness;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  harness = await openViewer(browser, { pattern: { levels: 40, floor: -400 } });
  await harness.page.evaluate(() =>
    window.host.api.add_image?.({ source: window.host.store.source, color: [255, 255, 255] }),
  );
  await harness.painted();
  await look(START);
});
afterEach(() => expect(harness.complaints).toEqual([]));

const plane = planeOf({
  axes: [],
  channelAxis: -1,
  yAxis: 0,
  xAxis: 1,
  dtype: "uint8",
  pixelType: "Uint8",
  levels: [
    { width: 2 ** 48, height: 2 ** 48, tileWidth: 256, tileHeight: 256, scaleX: 1, scaleY: 1 },
  ],
  floor: -400,
  mandelbrot: {
    levels: 40,
    tilesize: 256,
    maxiter: 255,
    sampling: "center",
    center: ["0", "0"],
    width: "5",
    floor: -400,
  },
});

type Told = { center: [string, string]; width: string };

async function look(location: { center: readonly [string, string]; width: string }) {
  await harness.page.evaluate((view) => window.host.api.set_view_state?.(view), location);
  await harness.page.waitForTimeout(100);
}

async function camera(): Promise<Camera> {
  const told = await harness.page.evaluate(() => window.host.api.get_view_state?.());
  return cameraOf(plane, told as Told, SIZE);
}

/** Waits until the camera rests. */
async function rested(): Promise<Camera> {
  let before = await camera();
  for (let still = 0; still < 3; ) {
    await harness.page.waitForTimeout(150);
    const now = await camera();
    still = now.zoom === before.zoom && now.x === before.x && now.y === before.y ? still + 1 : 0;
    before = now;
  }
  return before;
}

/** How many screen pixels the picture was moved from one camera to the next, right and down. */
function shift(from: Camera, to: Camera): [number, number] {
  const [dx, dy] = project(from, to);
  return [-dx, -dy];
}

test("the wheel zooms about the pointer", async () => {
  const before = await camera();
  await harness.page.mouse.move(700, 150);
  await harness.page.mouse.wheel(0, -1200);
  const after = await rested();
  expect(after.zoom - before.zoom).toBeCloseTo(5, 6);
  const [x, y] = project(after, pointAt(before, 250, -150));
  expect(x).toBeCloseTo(250, 1);
  expect(y).toBeCloseTo(-150, 1);
  await harness.page.mouse.wheel(0, 1200);
  const back = shift(before, await rested());
  expect(Math.hypot(...back)).toBeLessThan(0.1);
});

test("a drag moves the picture with the pointer; let go in motion, it glides on", async () => {
  const before = await camera();
  await harness.page.mouse.move(450, 300);
  await harness.page.mouse.down();
  await harness.page.mouse.move(350, 340, { steps: 10 });
  await harness.page.waitForTimeout(200);
  const dragged = await camera();
  const [x, y] = shift(before, dragged);
  expect(x).toBeCloseTo(-100, 3);
  expect(y).toBeCloseTo(40, 3);
  await harness.page.mouse.up();
  expect(Math.hypot(...shift(dragged, await rested()))).toBeLessThan(1e-6);

  await flick(450, 350);
  const [glided] = shift(dragged, await rested());
  expect(glided).toBeLessThan(-110);
});

/** A drag to the left or right as quick as a hand's, however busy the machine is. */
async function flick(from: number, to: number) {
  await harness.page.mouse.move(from, 300);
  const canvas = harness.viewer.locator("canvas").first();
  await canvas.evaluate(
    (element, [from, to]) => {
      const send = (type: string, clientX: number) =>
        element.dispatchEvent(
          new PointerEvent(type, { bubbles: true, pointerId: 1, clientX, clientY: 300 }),
        );
      const steps = 10;
      send("pointerdown", from);
      for (let step = 1; step <= steps; step++) {
        const begin = performance.now();
        while (performance.now() - begin < 8);
        send("pointermove", from + ((to - from) * step) / steps);
      }
      send("pointerup", to);
    },
    [from, to] as const,
  );
}

test("a double-click zooms in by a level, with shift out, about the pointer", async () => {
  const before = await camera();
  await harness.page.mouse.dblclick(300, 200);
  const after = await rested();
  expect(after.zoom - before.zoom).toBeCloseTo(1, 6);
  const [x] = project(after, pointAt(before, -150, -100));
  expect(x).toBeCloseTo(-150, 2);
});

test("a box drawn with shift is what is seen then", async () => {
  const before = await camera();
  await harness.page.keyboard.down("Shift");
  await harness.page.mouse.move(500, 100);
  await harness.page.mouse.down();
  await harness.page.mouse.move(590, 160, { steps: 5 });
  await harness.viewer.locator(".zoom-box").waitFor();
  await harness.screenshot("zoom-box");
  await harness.page.mouse.up();
  await harness.page.keyboard.up("Shift");
  const after = await rested();
  expect(after.zoom - before.zoom).toBeCloseTo(Math.log2(10), 6);
  const [x, y] = project(after, pointAt(before, 95, -170));
  expect(Math.hypot(x, y)).toBeLessThan(0.1);
});

test("keys move, zoom and show the whole", async () => {
  await harness.viewer.locator(".stage").focus();
  const before = await camera();
  await harness.page.keyboard.press("ArrowRight");
  await harness.page.keyboard.press("Shift+ArrowUp");
  const moved = await rested();
  const [x, y] = shift(before, moved);
  expect(x).toBeCloseTo(-113, 3);
  expect(y).toBeCloseTo(1, 3);
  await harness.page.keyboard.press("+");
  await harness.page.keyboard.press("+");
  await harness.page.keyboard.press("-");
  expect((await rested()).zoom - moved.zoom).toBeCloseTo(1, 6);
  await harness.page.keyboard.press("Home");
  const whole = await rested();
  expect(toViewState(whole).target[0]).toBeCloseTo(2 ** 47, -3);
  await harness.painted();
});

test("places are undone and redone, exactly", async () => {
  await harness.viewer.locator(".stage").focus();
  await harness.page.waitForTimeout(900);
  const first = await camera();
  await harness.page.keyboard.press("ArrowRight");
  await harness.page.waitForTimeout(900);
  const second = await camera();
  await harness.page.keyboard.press("Control+z");
  expect(Math.hypot(...shift(first, await rested()))).toBeLessThan(1e-3);
  await harness.page.keyboard.press("Control+Shift+z");
  expect(Math.hypot(...shift(second, await rested()))).toBeLessThan(1e-3);
});

test("going to a place goes out, across and in, and arrives exactly; a touch stops it", async () => {
  const goal = { center: ["0.3602404434376144", "-0.6413130610648032"], width: "1e-60" };
  const zooms: number[] = [];
  await harness.page.evaluate((goal) => window.host.api.go_to?.(goal), goal);
  for (let i = 0; i < 60; i++) {
    zooms.push((await camera()).zoom);
    await harness.page.waitForTimeout(60);
  }
  const arrived = await rested();
  const there = cameraOf(plane, goal as Told, SIZE);
  expect(Math.hypot(...project(there, arrived))).toBeLessThan(1e-3);
  expect(arrived.zoom).toBeCloseTo(there.zoom, 9);
  // The whole square is at -39; a slow machine draws no frame there.
  expect(Math.min(...zooms)).toBeLessThan(-20);

  await harness.page.evaluate((start) => window.host.api.go_to?.(start), START);
  await harness.page.waitForTimeout(500);
  await harness.page.mouse.click(450, 300);
  const stopped = await rested();
  expect(stopped.zoom).toBeLessThan(there.zoom);
  expect(
    Math.hypot(...project(stopped, cameraOf(plane, START as unknown as Told, SIZE))),
  ).toBeGreaterThan(1);
});

test("two fingers zoom and move what is under them", async () => {
  const before = await camera();
  await harness.viewer.locator(".stage").evaluate((stage) => {
    const send = (type: string, pointerId: number, clientX: number, clientY: number) =>
      stage.dispatchEvent(
        new PointerEvent(type, {
          pointerId,
          clientX,
          clientY,
          pointerType: "touch",
          bubbles: true,
        }),
      );
    stage.setPointerCapture = () => undefined;
    send("pointerdown", 1, 400, 300);
    send("pointerdown", 2, 500, 300);
    for (let i = 1; i <= 10; i++) {
      send("pointermove", 1, 400 - 5 * i, 300 + 2 * i);
      send("pointermove", 2, 500 + 5 * i, 300 + 2 * i);
    }
    send("pointerup", 1, 350, 320);
    send("pointerup", 2, 550, 320);
  });
  const after = await rested();
  expect(after.zoom - before.zoom).toBeCloseTo(1, 1);
  const left = project(after, pointAt(before, -50, 0));
  expect(left[0]).toBeCloseTo(-100, 0);
  expect(left[1]).toBeCloseTo(20, 0);
});

test("there is an end to zooming, in and out", async () => {
  await look({ ...START, width: "1e-130" });
  await harness.page.mouse.move(450, 300);
  await harness.page.mouse.wheel(0, -20_000);
  expect((await rested()).zoom).toBeCloseTo(406, 9);
  await harness.page.mouse.wheel(0, 200_000);
  expect((await rested()).zoom).toBeLessThan(-39);
});
