import { describe, expect, test } from "vitest";
import { tileLength } from "../../src/zarr/open";
import { ZarrRoom } from "../../src/zarr/room";
import type { RemoteStore } from "../../src/zarr/store";

type Files = Record<string, object | ArrayBufferView>;

/** A store over files in memory that remembers what was asked. */
function serve(files: Files): RemoteStore & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async getItem(key) {
      asked.push(key);
      const file = files[key];
      if (!file) return null;
      if (ArrayBuffer.isView(file)) return file;
      return new TextEncoder().encode(JSON.stringify(file));
    },
  };
}

const array = (dtype: string, shape: number[], chunks = shape, order = "C") => ({
  zarr_format: 2,
  shape,
  chunks,
  dtype,
  compressor: null,
  fill_value: 0,
  order,
  filters: null,
});

const consolidated = (metadata: object) => ({ zarr_consolidated_format: 1, metadata });

async function open(files: Files, options = {}) {
  const room = new ZarrRoom();
  const store = serve(files);
  // In the page the store arrives as a proxy; here it is the thing itself.
  const info = await room.open(1, store as never, options);
  const tile = (level: number, row: number, column: number, selections: number[][]) =>
    room.tile(1, 1, { level, row: BigInt(row), column: BigInt(column), selections });
  return { room, store, info, tile };
}

describe("opening", () => {
  test("a consolidated pyramid of 40 levels costs one request", async () => {
    const paths = Array.from({ length: 40 }, (_, i) => String(i));
    const { store, info } = await open({
      ".zmetadata": consolidated({
        ".zgroup": { zarr_format: 2 },
        ".zattrs": {
          multiscales: [
            {
              axes: [
                { name: "y", type: "space" },
                { name: "x", type: "space" },
              ],
              datasets: paths.map((path) => ({ path })),
            },
          ],
        },
        ...Object.fromEntries(
          paths.map((path, i) => [
            `${path}/.zarray`,
            array("|u1", [2 ** (50 - i), 2 ** (50 - i)], [1024, 1024]),
          ]),
        ),
      }),
    });
    expect(store.asked).toEqual([".zmetadata"]);
    expect(info.levels).toHaveLength(40);
    expect(info.levels[39]).toMatchObject({ width: 2048, tileWidth: 1024, scaleX: 2 ** 39 });
  });

  test("a Zarr v3 pyramid reads its inline metadata and OME-Zarr 0.5", async () => {
    const level = (shape: number[]) => ({
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: "uint16",
      chunk_grid: { name: "regular", configuration: { chunk_shape: [1, 512, 512] } },
      chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      fill_value: 7,
      attributes: {},
    });
    const { store, info, tile } = await open({
      "zarr.json": {
        zarr_format: 3,
        node_type: "group",
        attributes: {
          ome: {
            version: "0.5",
            multiscales: [
              {
                name: "cells",
                axes: [
                  { name: "c", type: "channel" },
                  { name: "y", type: "space" },
                  { name: "x", type: "space" },
                ],
                datasets: [{ path: "a" }, { path: "b" }],
              },
            ],
            omero: {
              channels: [
                { label: "DAPI", color: "0000FF", window: { start: 5, end: 300 }, active: true },
                { label: "GFP", color: "00FF00", active: false },
              ],
            },
          },
        },
        consolidated_metadata: {
          kind: "inline",
          metadata: { a: level([2, 1000, 1024]), b: level([2, 500, 512]) },
        },
      },
    });
    expect(store.asked).toEqual([".zmetadata", "zarr.json"]);
    expect(info).toMatchObject({
      name: "cells",
      channelAxis: 0,
      yAxis: 1,
      xAxis: 2,
      pixelType: "Uint16",
      omero: [
        { label: "DAPI", color: [0, 0, 255], limits: [5, 300], active: true },
        { label: "GFP", color: [0, 255, 0], active: false },
      ],
    });
    const missing = await tile(0, 1, 0, [[1, 0, 0]]);
    expect(missing).toMatchObject({ width: 512, height: 488 });
    expect(missing.planes[0]?.every((value) => value === 7)).toBe(true);
  });

  test("a plain group of numbered arrays takes them in the order of their numbers", async () => {
    const levels = [1024, 512, 256].map((size, i) => [`${i}/.zarray`, array("<f4", [size, size])]);
    const { info } = await open({
      ".zmetadata": consolidated({ ".zgroup": { zarr_format: 2 }, ...Object.fromEntries(levels) }),
    });
    expect(info.levels.map(({ width }) => width)).toEqual([1024, 512, 256]);
    expect(info).toMatchObject({ pixelType: "Float32", channelAxis: -1 });
  });

  test("finds the levels one by one where nothing is consolidated", async () => {
    const { info } = await open({
      ".zgroup": { zarr_format: 2 },
      "0/.zarray": array("|u1", [64, 64]),
      "1/.zarray": array("|u1", [32, 32]),
    });
    expect(info.levels).toHaveLength(2);
  });

  test("a lone array needs no multiscales; axis labels name its axes", async () => {
    const files = { ".zarray": array("|u1", [3, 2, 8, 8]) };
    const { info } = await open(files, { axisLabels: ["t", "c", "y", "x"] });
    expect(info.axes.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "t:time",
      "c:channel",
      "y:space",
      "x:space",
    ]);
    expect(info.channelAxis).toBe(1);
  });

  test("interleaved colours are channels on the last axis", async () => {
    const values = Uint8Array.from({ length: 2 * 2 * 3 }, (_, i) => i);
    const { info, tile, store } = await open(
      { ".zarray": array("|u1", [2, 2, 3]), "0.0.0": values },
      { channelAxis: 2 },
    );
    expect([info.yAxis, info.xAxis]).toEqual([0, 1]);
    const { planes } = await tile(0, 0, 0, [
      [0, 0, 0],
      [0, 0, 2],
    ]);
    expect(planes.map((plane) => [...plane])).toEqual([
      [0, 3, 6, 9],
      [2, 5, 8, 11],
    ]);
    // The chunk that has both was fetched once.
    expect(store.asked.filter((key) => key === "0.0.0")).toHaveLength(1);
  });

  test.each([
    ["nothing", {}, /no Zarr metadata/],
    ["an empty group", { ".zgroup": { zarr_format: 2 } }, /no array named 0/],
    ["text", { ".zarray": { ...array("<U4", [4, 4]), fill_value: "" } }, /draws numbers only/],
    ["a row", { ".zarray": array("|u1", [9]) }, /needs at least y and x/],
  ])("%s is refused in a sentence", async (_, files, message) => {
    await expect(open(files as Files)).rejects.toThrow(message);
  });

  test("a channel axis that the image does not have is refused", async () => {
    const files = { ".zarray": array("|u1", [8, 8]) };
    await expect(open(files, { channelAxis: 2 })).rejects.toThrow(/channel_axis is 2.*0 to 1/);
  });

  test("the mandelbrot attribute comes through as it is", async () => {
    const mandelbrot = {
      levels: 3,
      tilesize: 8,
      maxiter: "auto",
      sampling: "corner",
      center: ["-1/3", "0.1"],
      width: "1e-9",
    };
    const { info } = await open({
      ".zmetadata": consolidated({
        ".zgroup": { zarr_format: 2 },
        ".zattrs": { mandelbrot, multiscales: [{ datasets: [{ path: "0" }] }] },
        "0/.zarray": array("<u4", [8, 8]),
      }),
    });
    expect(info.mandelbrot).toEqual({ ...mandelbrot, floor: 0 });
  });
});

describe("beyond the metadata", () => {
  const mandelbrot = {
    levels: 1,
    tilesize: 256,
    maxiter: 255,
    sampling: "center",
    center: ["0", "0"],
    width: "5",
    floor: -300,
  };
  const attributes = { mandelbrot, multiscales: [{ datasets: [{ path: "0" }] }] };
  const v2 = {
    ".zmetadata": consolidated({
      ".zgroup": { zarr_format: 2 },
      ".zattrs": attributes,
      "0/.zarray": array("|u1", [512, 512], [256, 256]),
    }),
  };
  const v3 = {
    "zarr.json": {
      zarr_format: 3,
      node_type: "group",
      attributes: { mandelbrot, ome: { version: "0.5", multiscales: attributes.multiscales } },
      consolidated_metadata: {
        kind: "inline",
        must_understand: false,
        metadata: {
          "0": {
            zarr_format: 3,
            node_type: "array",
            shape: [512, 512],
            data_type: "uint8",
            chunk_grid: { name: "regular", configuration: { chunk_shape: [256, 256] } },
            chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
            fill_value: 0,
            codecs: [{ name: "bytes" }],
            attributes: {},
          },
        },
      },
    },
  };
  const row = (1n << 300n) + 12345n;

  test.each([
    ["2", v2, `-300/${row}.7`],
    ["3", v3, `-300/c/${row}/7`],
  ])(
    "tiles of negative levels are asked for under decimal indices, Zarr format %s",
    async (_, files, key) => {
      const { room, store, info } = await open({ ...files, [key]: new Uint8Array(65536).fill(9) });
      expect(info.floor).toBe(-300);
      const tile = { level: -300, row, column: 7n, selections: [[0, 0]] };
      const { planes } = await room.tile(1, 1, tile);
      expect(planes[0]?.[65535]).toBe(9);
      expect(store.asked.at(-1)).toBe(key);
      expect(store.asked.filter((asked) => asked.includes("-300"))).toEqual([key]);
    },
  );

  test("there is nothing below the floor", async () => {
    const { room } = await open(v2);
    const tile = { level: -301, row, column: 7n, selections: [[0, 0]] };
    await expect(room.tile(1, 1, tile)).rejects.toThrow("no level -301");
  });

  test("a level of 2^62 pixels is read to its last tile", async () => {
    const last = `0/${2 ** 52 - 1}.${2 ** 52 - 1}`;
    const { store, tile, info } = await open({
      "0/.zarray": array("|u1", [2 ** 62, 2 ** 62], [1024, 1024]),
      ".zattrs": { multiscales: [{ datasets: [{ path: "0" }] }] },
      ".zgroup": { zarr_format: 2 },
      [last]: new Uint8Array(2 ** 20).fill(3),
    });
    const { planes, width, height } = await tile(0, 2 ** 52 - 1, 2 ** 52 - 1, [[0, 0]]);
    expect(info.levels[0]?.width).toBe(2 ** 62);
    expect([planes[0]?.at(-1), width, height]).toEqual([3, 1024, 1024]);
    expect(store.asked.at(-1)).toBe(last);
  });
});

describe("pixels", () => {
  const seen = async (dtype: string, values: ArrayBufferView, order = "C") => {
    const { info, tile } = await open({
      ".zarray": array(dtype, [2, 3], [2, 3], order),
      "0.0": values,
    });
    const { planes } = await tile(0, 0, 0, [[0, 0]]);
    return { type: info.pixelType, values: [...(planes[0] ?? [])] };
  };

  test.each([
    ["|b1", Uint8Array.of(0, 1, 1, 0, 0, 1), "Uint8", [0, 1, 1, 0, 0, 1]],
    ["<i8", BigInt64Array.of(-1n, 2n, 3n, 4n, 5n, 2n ** 40n), "Float32", [-1, 2, 3, 4, 5, 2 ** 40]],
    ["<u8", BigUint64Array.of(1n, 2n, 3n, 4n, 5n, 6n), "Float32", [1, 2, 3, 4, 5, 6]],
    ["<f8", Float64Array.of(0.5, -2, 3, 4, 5, 6), "Float32", [0.5, -2, 3, 4, 5, 6]],
    ["<i2", Int16Array.of(-5, 2, 3, 4, 5, 6), "Int16", [-5, 2, 3, 4, 5, 6]],
    ["<u4", Uint32Array.of(2 ** 31, 2, 3, 4, 5, 6), "Uint32", [2 ** 31, 2, 3, 4, 5, 6]],
    [">u2", Uint8Array.of(1, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6), "Uint16", [256, 2, 3, 4, 5, 6]],
  ])("of type %s are drawn", async (dtype, stored, type, values) => {
    expect(await seen(dtype, stored)).toEqual({ type, values });
  });

  test("stored column by column come out row by row", async () => {
    const { values } = await seen("|u1", Uint8Array.of(1, 4, 2, 5, 3, 6), "F");
    expect(values).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("of axes x, y are turned upright", async () => {
    const { tile } = await open(
      { ".zarray": array("|u1", [2, 3]), "0.0": Uint8Array.of(1, 2, 3, 4, 5, 6) },
      { axisLabels: ["x", "y"] },
    );
    const { width, height, planes } = await tile(0, 0, 0, [[0, 0]]);
    expect([width, height, ...(planes[0] ?? [])]).toEqual([2, 3, 1, 4, 2, 5, 3, 6]);
  });
});

describe("tiles", () => {
  test.each([
    [1024, 1024],
    [1, 256],
    [100, 400],
    [4096, 2048],
    [10_000, 1250],
  ])("of chunks of %i pixels have %i", (chunk, tile) => {
    expect(tileLength(chunk)).toBe(tile);
  });

  test("of one large chunk share one request for it", async () => {
    const pixels = Uint8Array.from({ length: 4096 * 8 }, (_, i) => (i % 4096 < 2048 ? 1 : 2));
    const { store, tile } = await open({ ".zarray": array("|u1", [8, 4096]), "0.0": pixels });
    const tiles = await Promise.all([tile(0, 0, 0, [[0, 0]]), tile(0, 0, 1, [[0, 0]])]);
    expect(tiles.map(({ planes }) => planes[0]?.[0])).toEqual([1, 2]);
    expect(store.asked.filter((key) => key === "0.0")).toHaveLength(1);
  });

  test("that are cancelled reject, and their chunks are cancelled too", async () => {
    const room = new ZarrRoom();
    const cancelled: number[][] = [];
    const store: RemoteStore = {
      getItem: async (key) =>
        key === ".zarray"
          ? new TextEncoder().encode(JSON.stringify(array("|u1", [512, 512])))
          : key.startsWith(".") || key === "zarr.json"
            ? null
            : new Promise(() => undefined),
      cancelItems: async (ids) => void cancelled.push(ids),
    };
    await room.open(1, store as never, {});
    const tile = room.tile(5, 1, { level: 0, row: 0n, column: 0n, selections: [[0, 0]] });
    await new Promise((resolve) => setTimeout(resolve, 0));
    room.cancel([5]);
    await expect(tile).rejects.toThrow(/abort/i);
    expect(cancelled).toHaveLength(1);
  });
});
