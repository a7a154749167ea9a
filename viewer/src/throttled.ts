import { effect, type ReadonlySignal, signal } from "@preact/signals";

/** A signal's value as it was so many milliseconds ago at most: for what nobody reads any faster. */
export function throttled<Value>(
  source: ReadonlySignal<Value>,
  milliseconds: number,
): ReadonlySignal<Value> {
  const shown = signal(source.peek());
  let timer: ReturnType<typeof setTimeout> | undefined;

  function show(): void {
    timer = undefined;
    if (shown.peek() === source.peek()) return;
    shown.value = source.peek();
    timer = setTimeout(show, milliseconds);
  }

  effect(() => {
    source.value;
    if (timer === undefined) show();
  });
  return shown;
}
