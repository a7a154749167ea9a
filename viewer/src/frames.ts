/**
 * Where the camera is, exactly, and the frame in which deck.gl sees it. Pure.
 *
 * deck.gl places things to within a hundredth of a screen pixel only up to about 2^40 px. It is
 * therefore never told where in the image anything lies, only where in a *frame*: a window of the
 * pyramid of some 24 levels, whose unit is a pixel of one level and whose origin is near the camera.
 * When the camera leaves the window, another frame is taken; on the screen nothing changes.
 */

import { bitLength, fromFixed, scale, shift, toFixed } from "./fixed";
import type { Rect, Size, ViewState } from "./model";

/** A place in level-0 pixels: (x, y) / 2^bits. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly bits: number;
}

/** What the middle of the screen shows, and log2 of screen pixels per level-0 pixel. */
export interface Camera extends Point {
  readonly zoom: number;
}

/** Half-open rectangle in level-0 pixels: each number over 2^bits. */
export interface Area {
  readonly left: bigint;
  readonly top: bigint;
  readonly right: bigint;
  readonly bottom: bigint;
  readonly bits: number;
}

/** Coordinates whose unit is 2^level level-0 pixels, and whose origin is (x, y) such units. */
export interface Frame {
  readonly level: number;
  readonly x: bigint;
  readonly y: bigint;
}

/** Binary places kept below a screen pixel: a million moves are off by far less than a pixel. */
const GUARD_BITS = 64;

/** A frame is left when the camera has zoomed this many levels away from its unit … */
const FRAME_LEVELS = 12;
/** … or when it is so many units away from its origin. */
export const FRAME_REACH = 2 ** 24;
/** Frames begin at multiples of 2^12 units: a tile corner wherever tiles are 2^12 px or smaller. */
export const CORNER_BITS = 12;

/** Level-0 pixels themselves: for small images, and those with a model matrix. */
export const BASE_FRAME: Frame = { level: 0, x: 0n, y: 0n };

function bitsFor(zoom: number): number {
  return Math.max(0, Math.ceil(zoom)) + GUARD_BITS;
}

/** The same place with another number of binary places. */
export function withBits({ x, y, bits }: Point, wanted: number): Point {
  const by = wanted - bits;
  return { x: shift(x, by), y: shift(y, by), bits: wanted };
}

/** A camera at a place, with as many binary places as its zoom deserves. */
export function cameraAt(point: Point, zoom: number): Camera {
  return { ...withBits(point, bitsFor(zoom)), zoom };
}

/** vizarr's view state as a camera. */
export function fromViewState({ zoom, target: [x, y] }: ViewState): Camera {
  const bits = bitsFor(zoom);
  return { x: toFixed(x, bits), y: toFixed(y, bits), bits, zoom };
}

/** A camera as vizarr's view state: as exact as float64. */
export function toViewState({ x, y, bits, zoom }: Camera): ViewState {
  return { zoom, target: [fromFixed(x, bits), fromFixed(y, bits)] };
}

/** The camera as an image with a model matrix sees it: such images are small, float64 will do. */
export function localCamera(
  { modelMatrix }: { readonly modelMatrix: readonly number[] | undefined },
  camera: Camera,
): Camera {
  if (!modelMatrix) return camera;
  const { zoom, target } = toViewState(camera);
  const [a = 1, b = 0, , e = 0, c = 0, d = 1, , f = 0] = modelMatrix;
  const determinant = a * d - b * c;
  const [x, y] = [target[0] - e, target[1] - f];
  return fromViewState({
    zoom: zoom + Math.log2(Math.abs(determinant)) / 2,
    target: [(d * x - b * y) / determinant, (a * y - c * x) / determinant],
  });
}

/** A length in screen pixels as one in level-0 pixels, over 2^bits. */
function unscreen(length: number, zoom: number, bits: number): bigint {
  const whole = Math.floor(zoom);
  return toFixed(length * 2 ** (whole - zoom), bits - whole);
}

/** The place that is seen (dx, dy) screen pixels right of and below the middle of the screen. */
export function pointAt({ x, y, bits, zoom }: Camera, dx: number, dy: number): Point {
  return { x: x + unscreen(dx, zoom, bits), y: y + unscreen(dy, zoom, bits), bits };
}

/** Where on the screen a place is seen, in screen pixels right of and below the middle. */
export function project(camera: Camera, point: Point): readonly [dx: number, dy: number] {
  const bits = Math.max(camera.bits, point.bits);
  const [from, to] = [withBits(camera, bits), withBits(point, bits)];
  const whole = Math.round(camera.zoom);
  const rest = 2 ** (camera.zoom - whole);
  return [
    fromFixed(to.x - from.x, bits - whole) * rest,
    fromFixed(to.y - from.y, bits - whole) * rest,
  ];
}

/** The way from one place to another: its direction, and log2 of its length in level-0 pixels. */
export function displacement(
  from: Point,
  to: Point,
): { readonly direction: readonly [number, number]; readonly log: number } {
  const bits = Math.max(from.bits, to.bits);
  const [a, b] = [withBits(from, bits), withBits(to, bits)];
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  // Brought to the middle of float64's range: the way may be longer or shorter than any of it.
  const exponent = Math.max(bitLength(dx), bitLength(dy));
  const [x, y] = [fromFixed(dx, exponent), fromFixed(dy, exponent)];
  const length = Math.hypot(x, y);
  if (length === 0) return { direction: [0, 0], log: Number.NEGATIVE_INFINITY };
  return { direction: [x / length, y / length], log: Math.log2(length) + exponent - bits };
}

/** The camera moved by screen pixels. */
export function panned(camera: Camera, dx: number, dy: number): Camera {
  return { ...camera, ...pointAt(camera, dx, dy) };
}

/** The camera at another zoom, with what is seen at (dx, dy) staying where it is. */
export function zoomed(
  camera: Camera,
  zoom: number,
  [dx, dy]: readonly [number, number] = [0, 0],
): Camera {
  const bits = Math.max(camera.bits, bitsFor(zoom));
  const fixed = withBits(pointAt(camera, dx, dy), bits);
  const x = fixed.x - unscreen(dx, zoom, bits);
  const y = fixed.y - unscreen(dy, zoom, bits);
  return cameraAt({ x, y, bits }, zoom);
}

/** The part of the image that a screen of that size shows. */
export function visibleArea(camera: Camera, { width, height }: Size): Area {
  const { x: left, y: top, bits } = pointAt(camera, -width / 2, -height / 2);
  const { x: right, y: bottom } = pointAt(camera, width / 2, height / 2);
  return { left, top, right, bottom, bits };
}

/** Where an area is seen, in CSS pixels from the upper left corner of the screen. */
export function screenRect(camera: Camera, size: Size, area: Area): Rect {
  const at = (x: bigint, y: bigint) => project(camera, { x, y, bits: area.bits });
  const [left, top] = at(area.left, area.top);
  const [right, bottom] = at(area.right, area.bottom);
  const [x, y] = [size.width / 2, size.height / 2];
  return { left: left + x, top: top + y, right: right + x, bottom: bottom + y };
}

/** The frame to draw in: the current one for as long as it serves, else one around the camera. */
export function frameFor(camera: Camera, current?: Frame): Frame {
  if (current && serves(current, camera)) return current;
  const level = Math.round(-camera.zoom);
  const corner = (n: bigint) => shift(n, -camera.bits - level - CORNER_BITS) << BigInt(CORNER_BITS);
  return { level, x: corner(camera.x), y: corner(camera.y) };
}

function serves(frame: Frame, camera: Camera): boolean {
  if (Math.abs(camera.zoom + frame.level) > FRAME_LEVELS) return false;
  const [x, y] = localPoint(frame, camera);
  return Math.abs(x) < FRAME_REACH && Math.abs(y) < FRAME_REACH;
}

function local(n: bigint, bits: number, origin: bigint, level: number): number {
  // Exact when the difference is taken before anything is rounded.
  const places = Math.max(bits, -level);
  return fromFixed(shift(n, places - bits) - shift(origin, places + level), places + level);
}

/** A place in a frame's coordinates. */
export function localPoint(frame: Frame, { x, y, bits }: Point): readonly [number, number] {
  return [local(x, bits, frame.x, frame.level), local(y, bits, frame.y, frame.level)];
}

/** An area in a frame's coordinates. */
export function localRect({ level, x, y }: Frame, { bits, ...area }: Area): Rect {
  return {
    left: local(area.left, bits, x, level),
    top: local(area.top, bits, y, level),
    right: local(area.right, bits, x, level),
    bottom: local(area.bottom, bits, y, level),
  };
}

/** What to multiply level-0 pixels with, and then to add, to get a frame's coordinates. */
export function frameTransform({ level, x, y }: Frame): { scale: number; x: number; y: number } {
  return { scale: scale(1, -level), x: -Number(x), y: -Number(y) };
}

/** Equal to within a hundredth of a screen pixel. */
export function sameCamera(a: Camera, b: Camera): boolean {
  if (Math.abs(a.zoom - b.zoom) >= 1e-4) return false;
  const [dx, dy] = project(a, b);
  return Math.abs(dx) < 0.01 && Math.abs(dy) < 0.01;
}
