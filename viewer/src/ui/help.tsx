import type { Signal } from "@preact/signals";
import { X } from "lucide";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["drag, arrow keys", "move"],
  ["wheel, pinch, + −, double-click", "zoom; with shift, double-click zooms out"],
  ["shift and drag", "zoom to a box"],
  ["Home", "show all of it"],
  ["Ctrl Z, Ctrl Y", "back to where you were, and forth again"],
  ["v", "fly towards the pointer"],
  ["p", "places: where this is, go elsewhere, bookmarks, gallery"],
  ["b", "bookmark this place"],
  ["s", "save the picture as PNG, its location inside"],
  ["c", "colours"],
  ["f", "full screen"],
  ["Esc", "stop, close what is open"],
  ["?", "this list"],
];

/** The keys, over the picture until closed. */
export function Help({ open }: { open: Signal<boolean> }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open.value]);
  return (
    <dialog
      class="help"
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => {
        open.value = false;
      }}
    >
      <header>
        <h2 id="help-title">Keys and gestures</h2>
        <button
          type="button"
          class="tool"
          aria-label="Close help"
          onClick={() => dialog.current?.close()}
        >
          <Icon node={X} />
        </button>
      </header>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
