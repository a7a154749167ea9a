import { crc32 } from "node:zlib";
import { PNG } from "pngjs";
import { describe, expect, test } from "vitest";
import { withText } from "../../src/png_text";

function picture(): Uint8Array {
  const png = new PNG({ width: 3, height: 2 });
  png.data.fill(200);
  return new Uint8Array(PNG.sync.write(png));
}

/** Type, body and stored checksum of every chunk. */
function chunksOf(png: Uint8Array) {
  const view = new DataView(png.buffer, png.byteOffset);
  const chunks = [];
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    const typed = png.subarray(at + 4, at + 8 + length);
    chunks.push({
      type: String.fromCharCode(...typed.subarray(0, 4)),
      body: typed.subarray(4),
      sound: view.getUint32(at + 8 + length) === crc32(typed),
    });
    at += 12 + length;
  }
  return chunks;
}

describe("texts in a PNG file", () => {
  test("stand right behind the header, each sound, the rest as it was", () => {
    const before = picture();
    const chunks = chunksOf(withText(before, { Location: "re: −0.75", Software: "viewer" }));
    expect(chunks.map(({ type }) => type).slice(0, 3)).toEqual(["IHDR", "iTXt", "iTXt"]);
    expect(chunks.every(({ sound }) => sound)).toBe(true);
    const rest = chunks.filter(({ type }) => type !== "iTXt");
    expect(rest.map(({ type, body }) => [type, ...body])).toEqual(
      chunksOf(before).map(({ type, body }) => [type, ...body]),
    );
    const text = new TextDecoder().decode(chunks[1]?.body);
    expect(text).toBe("Location\0\0\0\0\0re: −0.75");
  });

  test("leave the picture readable, also when it is part of a larger buffer", () => {
    const before = picture();
    const larger = new Uint8Array(before.length + 7);
    larger.set(before, 7);
    const after = withText(larger.subarray(7), { Location: "x".repeat(5000) });
    const { width, height, data } = PNG.sync.read(Buffer.from(after));
    expect([width, height, data[0]]).toEqual([3, 2, 200]);
  });

  test("are refused for what is no PNG file", () => {
    expect(() => withText(new Uint8Array(100), {})).toThrow("is no PNG file");
    expect(() => withText(new Uint8Array(3), {})).toThrow("is no PNG file");
  });
});
