/** What hands do to the picture: mouse, touch, pen and keyboard, as movements of the camera. */

import { type Signal, signal } from "@preact/signals";
import { panned, zoomed } from "./frames";
import type { Rect } from "./model";
import type { Offset } from "./motion";
import type { Viewer } from "./state";

/** Levels per wheel pixel; a notch of a mouse wheel is 100 to 120 of them. */
const WHEEL_SPEED = 1 / 240;
/** A trackpad's pinch comes as a wheel with the control key, in smaller numbers. */
const PINCH_SPEED = 1 / 40;
const LINE = 40;
const PAGE = 400;
/** Screen pixels a pressed pointer moves before it is a drag. */
const SLOP = 3;
/** The part of the screen that an arrow key moves by. */
const ARROW = 1 / 8;
/** Milliseconds of a drag from which its speed at the end is taken. */
const GLIDE_MEMORY = 160;
/** Held still for so many milliseconds, the picture stays where it is. */
const HELD = 80;

interface Sample {
  readonly x: number;
  readonly y: number;
  readonly time: number;
}

/** Moves the camera as the person does; `box` is the frame being drawn with shift held. */
export function mountGestures(
  element: HTMLElement,
  viewer: Viewer,
): { readonly box: Signal<Rect | undefined>; unmount(): void } {
  const { motion, places } = viewer;
  const box = signal<Rect | undefined>(undefined);
  const pointers = new Map<number, Sample>();
  let trail: Sample[] = [];
  let boxStart: Sample | undefined;
  let pressed: Sample | undefined;

  const offset = (x: number, y: number): Offset => {
    const { width, height } = viewer.size.value;
    return [x - width / 2, y - height / 2];
  };
  const sample = (event: MouseEvent): Sample => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top, time: event.timeStamp };
  };

  function down(event: PointerEvent): void {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    motion.stop();
    const at = sample(event);
    pointers.set(event.pointerId, at);
    trail = [at];
    pressed = pointers.size === 1 ? at : undefined;
    boxStart = event.shiftKey && pointers.size === 1 ? at : undefined;
  }

  function move(event: PointerEvent): void {
    const at = sample(event);
    viewer.pointer.value = offset(at.x, at.y);
    const before = pointers.get(event.pointerId);
    if (!before) return;
    if (pressed) {
      if (Math.hypot(at.x - pressed.x, at.y - pressed.y) < SLOP) return;
      pressed = undefined;
    }
    pointers.set(event.pointerId, at);
    if (boxStart) box.value = rectangle(boxStart, at);
    else if (pointers.size === 1) drag(before, at, coalesced(event).map(sample));
    else if (pointers.size === 2) pinch(event.pointerId, before, at);
  }

  function drag(before: Sample, at: Sample, passed: readonly Sample[]): void {
    motion.pan(at.x - before.x, at.y - before.y);
    trail = [...trail, ...passed, at].filter(({ time }) => at.time - time < GLIDE_MEMORY);
  }

  /** One of two fingers moved: what each of them touches stays under it. */
  function pinch(id: number, before: Sample, at: Sample): void {
    const [other] = [...pointers].filter(([key]) => key !== id).map(([, value]) => value);
    if (!other) return;
    const apart = (a: Sample) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    const middle = (a: Sample) => offset((a.x + other.x) / 2, (a.y + other.y) / 2);
    const [from, to] = [middle(before), middle(at)];
    motion.zoom(Math.log2(apart(at) / apart(before)), from);
    motion.pan(to[0] - from[0], to[1] - from[1]);
  }

  function up(event: PointerEvent): void {
    if (!pointers.delete(event.pointerId)) return;
    if (boxStart) {
      if (box.value && event.type === "pointerup") zoomToBox(box.value);
      boxStart = box.value = undefined;
    } else if (pointers.size === 0 && event.type === "pointerup") {
      release(event.timeStamp);
    }
  }

  function release(now: number): void {
    const [first, last] = [trail[0], trail.at(-1)];
    if (!first || !last || now - last.time > HELD || last.time <= first.time) return;
    const time = last.time - first.time;
    motion.glide((last.x - first.x) / time, (last.y - first.y) / time);
  }

  function zoomToBox({ left, top, right, bottom }: Rect): void {
    const { width, height } = viewer.size.value;
    const camera = viewer.camera.value;
    if (!camera) return;
    const levels = Math.log2(Math.min(width / (right - left), height / (bottom - top)));
    const middle = offset((left + right) / 2, (top + bottom) / 2);
    const [least, most] = viewer.zoomLimits;
    const zoom = Math.min(most, Math.max(least, camera.zoom + levels));
    void motion.goTo(zoomed(panned(camera, ...middle), zoom));
  }

  function wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = [1, LINE, PAGE][event.deltaMode] ?? 1;
    const { x, y } = sample(event);
    const speed = event.ctrlKey ? PINCH_SPEED : WHEEL_SPEED;
    motion.ease(-event.deltaY * unit * speed, offset(x, y));
  }

  function doubleClick(event: MouseEvent): void {
    const { x, y } = sample(event);
    motion.ease(event.shiftKey ? -1 : 1, offset(x, y));
  }

  function key(event: KeyboardEvent): void {
    const action = keyAction(event);
    if (!action) return;
    event.preventDefault();
    action();
  }

  function keyAction(event: KeyboardEvent): (() => void) | undefined {
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() === "y") return () => places.redo();
      if (event.key.toLowerCase() !== "z") return undefined;
      return () => (event.shiftKey ? places.redo() : places.undo());
    }
    if (event.altKey) return undefined;
    const { width, height } = viewer.size.value;
    const step = (length: number) => (event.shiftKey ? 1 : Math.round(length * ARROW));
    const actions: Record<string, () => void> = {
      ArrowLeft: () => motion.pan(step(width), 0),
      ArrowRight: () => motion.pan(-step(width), 0),
      ArrowUp: () => motion.pan(0, step(height)),
      ArrowDown: () => motion.pan(0, -step(height)),
      "+": () => motion.ease(1),
      "=": () => motion.ease(1),
      "-": () => motion.ease(-1),
      _: () => motion.ease(-1),
      Home: () => void motion.home(),
      Escape: () => motion.stop(),
    };
    return actions[event.key];
  }

  const leave = () => {
    if (pointers.size === 0) viewer.pointer.value = undefined;
  };
  const abort = new AbortController();
  const { signal: until } = abort;
  element.addEventListener("pointerdown", down, { signal: until });
  element.addEventListener("pointermove", move, { signal: until });
  element.addEventListener("pointerup", up, { signal: until });
  element.addEventListener("pointercancel", up, { signal: until });
  element.addEventListener("pointerleave", leave, { signal: until });
  element.addEventListener("wheel", wheel, { signal: until, passive: false });
  element.addEventListener("dblclick", doubleClick, { signal: until });
  element.addEventListener("keydown", key, { signal: until });
  return { box, unmount: () => abort.abort() };
}

/** The moves that came as one; browsers offer them in secure contexts only. */
function coalesced(event: PointerEvent): readonly PointerEvent[] {
  return "getCoalescedEvents" in event ? event.getCoalescedEvents() : [];
}

function rectangle(a: Sample, b: Sample): Rect {
  return {
    left: Math.min(a.x, b.x),
    top: Math.min(a.y, b.y),
    right: Math.max(a.x, b.x),
    bottom: Math.max(a.y, b.y),
  };
}
