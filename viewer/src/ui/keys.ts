/** Keys that are pressed anywhere on the page but in a text field, by `KeyboardEvent.key`. */
export type KeyBindings = Readonly<Record<string, () => void>>;

/**
 * Listens for single keys.
 *
 * @returns a function that stops it
 */
export function bindKeys(target: EventTarget, bindings: KeyBindings): () => void {
  const onKeyDown = (event: Event) => {
    const { key, ctrlKey, metaKey, altKey, target } = event as KeyboardEvent;
    if (ctrlKey || metaKey || altKey || (key !== "Escape" && isTyping(target))) return;
    // An open dialog has the keys to itself, Escape too.
    if (document.querySelector("dialog[open]")) return;
    const action = bindings[key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  target.addEventListener("keydown", onKeyDown);
  return () => target.removeEventListener("keydown", onKeyDown);
}

/** Whether a key pressed there is text, or a choice in a list. */
function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return (
    target instanceof HTMLInputElement && !["checkbox", "range", "radio"].includes(target.type)
  );
}
