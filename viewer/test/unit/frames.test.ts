import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Camera,
  cameraAt,
  type Frame,
  frameFor,
  fromViewState,
  localPoint,
  localRect,
  panned,
  pointAt,
  project,
  toViewState,
  visibleArea,
  zoomed,
} from "../../src/frames";

// Shrinking a path of a thousand exact steps takes longer than finding it.
fc.configureGlobal({ endOnFailure: true });

const SIZE = { width: 900, height: 600 };
const zooms = fc.double({ min: -70, max: 1200, noNaN: true });
const offsets = fc.double({ min: -2000, max: 2000, noNaN: true });
const fraction = fc.bigInt({ min: 0n, max: 2n ** 1400n });

/** Cameras anywhere in an image of 2^62 px, at any depth. */
const cameras = fc.tuple(fraction, fraction, zooms).map(([x, y, zoom]) => {
  const bits = 1400 - 62;
  return cameraAt({ x, y, bits }, zoom);
});
const distance = (a: Camera, b: Camera) => Math.hypot(...project(a, b));

describe("a camera", () => {
  test("is vizarr's view state, as far as float64 goes", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -62, max: 60, noNaN: true }),
        fc.double({ min: 0, max: 2 ** 62, noNaN: true }),
        (zoom, x) => {
          const view = toViewState(fromViewState({ zoom, target: [x, -x] }));
          expect(view.zoom).toBe(zoom);
          expect(Math.abs(view.target[0] - x)).toBeLessThanOrEqual(2 ** -63);
          expect(Math.abs(view.target[0] + view.target[1])).toBeLessThanOrEqual(2 ** -63);
        },
      ),
    );
  });

  test("sees what is under the pointer there", () => {
    fc.assert(
      fc.property(cameras, offsets, offsets, (camera, dx, dy) => {
        const [x, y] = project(camera, pointAt(camera, dx, dy));
        expect(x).toBeCloseTo(dx, 9);
        expect(y).toBeCloseTo(dy, 9);
      }),
    );
  });

  test("keeps what is under the pointer there while it zooms", () => {
    fc.assert(
      fc.property(cameras, zooms, offsets, offsets, (camera, zoom, dx, dy) => {
        const moved = zoomed(camera, zoom, [dx, dy]);
        const [x, y] = project(moved, pointAt(camera, dx, dy));
        if (zoom >= camera.zoom - 60) {
          expect(x).toBeCloseTo(dx, 6);
          expect(y).toBeCloseTo(dy, 6);
        }
      }),
    );
  });

  test("comes back to the same place after a thousand steps in and out", () => {
    fc.assert(
      fc.property(
        cameras,
        offsets,
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        (start, dx, step) => {
          let camera = start;
          for (let i = 0; i < 1000; i++) camera = zoomed(camera, camera.zoom + step, [dx, -dx]);
          for (let i = 0; i < 1000; i++) camera = zoomed(camera, camera.zoom - step, [dx, -dx]);
          camera = cameraAt(camera, start.zoom);
          expect(distance(start, camera)).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 20 },
    );
  });

  test("comes back after a thousand moves of a pixel", () => {
    fc.assert(
      fc.property(cameras, (start) => {
        let camera = start;
        for (let i = 0; i < 1000; i++) camera = panned(camera, 1, -1);
        expect(distance(start, camera)).toBeCloseTo(1000 * Math.SQRT2, 6);
        for (let i = 0; i < 1000; i++) camera = panned(camera, -1, 1);
        expect(distance(start, camera)).toBeLessThan(1e-9);
      }),
      { numRuns: 20 },
    );
  });
});

/** Where deck.gl would draw a point of the image, from what it is given: small float64 numbers. */
function drawn(frame: Frame, camera: Camera, at: readonly [number, number]): [number, number] {
  const [x, y] = localPoint(frame, camera);
  const scale = 2 ** (camera.zoom + frame.level);
  return [(at[0] - x) * scale, (at[1] - y) * scale];
}

describe("a frame", () => {
  test("shows everything where it is, however far the camera has gone in it", () => {
    const steps = fc.array(fc.tuple(offsets, offsets, fc.double({ min: -2, max: 2, noNaN: true })));
    fc.assert(
      fc.property(cameras, steps, (start, moves) => {
        let camera = start;
        let frame = frameFor(camera);
        for (const [dx, dy, levels] of moves) {
          camera = zoomed(panned(camera, dx, dy), camera.zoom + levels);
          const next = frameFor(camera, frame);
          const point = pointAt(camera, 300, -200);
          for (const seen of [frame, next]) {
            const [x, y] = drawn(seen, camera, localPoint(seen, point));
            expect(Math.abs(x - 300)).toBeLessThan(0.01);
            expect(Math.abs(y + 200)).toBeLessThan(0.01);
          }
          frame = next;
        }
      }),
    );
  });

  test("holds nothing on screen that is further than 2^40 units away", () => {
    fc.assert(
      fc.property(cameras, cameras, (a, b) => {
        const frame = frameFor(b, frameFor(a));
        const rect = localRect(frame, visibleArea(b, SIZE));
        for (const value of Object.values(rect)) expect(Math.abs(value)).toBeLessThan(2 ** 26);
        expect(Math.abs(b.zoom + frame.level)).toBeLessThanOrEqual(12);
      }),
    );
  });

  test("stays the same while it serves, and begins at a tile corner", () => {
    const camera = fromViewState({ zoom: 100.3, target: [2 ** 40, 2 ** 39] });
    const frame = frameFor(camera);
    expect(frame.level).toBe(-100);
    expect(frame.x % 4096n).toBe(0n);
    expect(frameFor(panned(zoomed(camera, 110), 5000, 0), frame)).toBe(frame);
    expect(frameFor(zoomed(camera, 113), frame)).not.toBe(frame);
  });
});
