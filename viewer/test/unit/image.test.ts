import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import type { ImageConfig } from "../../src/config";
import { Image } from "../../src/image";
import type { ImageInfo, TilePixels } from "../../src/model";

const MAXITER = 10_000;
const INFO: ImageInfo = {
  axes: [
    { name: "y", type: "space", size: 512 },
    { name: "x", type: "space", size: 512 },
  ],
  channelAxis: -1,
  yAxis: 0,
  xAxis: 1,
  dtype: "uint16",
  pixelType: "Uint16",
  levels: [{ width: 512, height: 512, tileWidth: 256, tileHeight: 256, scaleX: 1, scaleY: 1 }],
  floor: 0,
  mandelbrot: {
    levels: 1,
    tilesize: 256,
    maxiter: MAXITER,
    sampling: "center",
    center: ["0", "0"],
    width: "5",
    floor: 0,
  },
};

function open(config: Partial<ImageConfig> = {}, info = INFO): Image {
  const source = {
    info,
    loadTile: () => Promise.reject(new Error("none")),
    close: () => undefined,
  };
  return new Image("image-1", source, { source: "x", ...config }, signal(undefined));
}

/** A tile with all counts from one to another, and some of the interior. */
function tile(from: number, to: number): TilePixels {
  const counts = Uint16Array.from({ length: 4000 }, (_, i) => from + (i * (to - from)) / 4000);
  counts.fill(MAXITER, 0, 400);
  return { width: 4000, height: 1, planes: [counts] };
}

const limits = (image: Image) => image.channels.value[0]?.limits ?? [0, 0];

function arrive(image: Image): number {
  let steps = 0;
  for (; image.goal.value && steps < 1000; steps++) image.follow(1 / 60);
  return steps;
}

test("limits may follow the counts in view, step by step, without the interior", () => {
  const image = open();
  expect(image.fitting.value).toBe(false);
  image.fitting.value = true;
  image.see([tile(0, 100)], true);
  arrive(image);
  expect(limits(image)[1]).toBeGreaterThan(90);
  image.see([tile(3000, 5000)], true);
  const before = limits(image)[1];
  image.follow(1 / 60);
  expect(limits(image)[1]).toBeGreaterThan(before);
  expect(limits(image)[1]).toBeLessThan(3000);
  expect(arrive(image)).toBeGreaterThan(5);
  const [low, high] = limits(image);
  expect(low).toBeGreaterThan(3000);
  expect(low).toBeLessThan(3250);
  expect(high).toBeGreaterThan(4950);
  expect(high).toBeLessThan(5000);
});

test("limits that are nearly right stay; while tiles are to come, only wrong ones move", () => {
  const image = open();
  image.fitting.value = true;
  image.see([tile(3000, 5000)], true);
  arrive(image);
  const before = limits(image);
  image.see([tile(3050, 5080)], true);
  expect(image.goal.value).toBeUndefined();
  image.see([tile(3300, 5300)], false);
  expect(image.goal.value).toBeUndefined();
  expect(limits(image)).toBe(before);
  image.see([tile(3300, 5300)], true);
  expect(image.goal.value).toBeDefined();
  image.see([tile(8000, 9000)], false);
  arrive(image);
  expect(limits(image)[0]).toBeGreaterThan(7900);
  // A picture of the interior alone says nothing.
  image.see([{ width: 4, height: 1, planes: [new Uint16Array(4).fill(MAXITER)] }], true);
  expect(image.goal.value).toBeUndefined();
});

test("counts without a cap have limits that follow, unless some are given", () => {
  const { mandelbrot, ...ordinary } = INFO;
  if (!mandelbrot) throw new Error("there is none");
  const uncapped: ImageInfo = { ...INFO, mandelbrot: { ...mandelbrot, maxiter: "auto" } };
  const image = open({}, uncapped);
  expect(image.fitting.value).toBe(true);
  image.see([tile(3000, 5000)], true);
  arrive(image);
  expect(limits(image)[0]).toBeGreaterThan(2900);
  expect(open({ limits: [[0, 700]] }, uncapped).fitting.value).toBe(false);
  expect(open({}, ordinary).fitting.value).toBe(false);
});

test("limits that are set stay from then on", () => {
  const image = open();
  image.fitting.value = true;
  image.see([tile(3000, 5000)], true);
  image.update({ limits: [[5, 50]] });
  arrive(image);
  expect(limits(image)).toEqual([5, 50]);
  image.see([tile(0, 100)], true);
  expect(image.goal.value).toBeUndefined();
});
