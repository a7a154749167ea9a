/** Text inside a PNG file: iTXt chunks, as the PNG specification (third edition, 11.3.3.4) has them. */

const SIGNATURE_LENGTH = 8;
/** Length, type and checksum. */
const CHUNK_OVERHEAD = 12;

/**
 * A PNG file with texts behind its header.
 *
 * @param texts by keyword: 1 to 79 Latin letters each
 * @throws Error when `png` does not begin as a PNG file does
 */
export function withText(
  png: Uint8Array,
  texts: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  if (png.length < SIGNATURE_LENGTH + CHUNK_OVERHEAD || view.getUint32(0) !== 0x89504e47) {
    throw new Error("The picture is no PNG file; expected its signature.");
  }
  const header = SIGNATURE_LENGTH + CHUNK_OVERHEAD + view.getUint32(SIGNATURE_LENGTH);
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  return concatenated([png.subarray(0, header), ...chunks, png.subarray(header)]);
}

/** Uncompressed, without language and translated keyword: two zero bytes, two empty strings. */
function textChunk(keyword: string, text: string): Uint8Array {
  const encoder = new TextEncoder();
  const body = concatenated([
    encoder.encode("iTXt"),
    encoder.encode(keyword),
    new Uint8Array(5),
    encoder.encode(text),
  ]);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  return chunk;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The checksum of ISO 3309, bit by bit: these texts are short. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
