import { X } from "lucide";
import type { ComponentChildren } from "preact";
import { Icon } from "./icon";

interface PanelProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** What a button of the toolbar opens: beside the picture, on narrow screens over its lower part. */
export function Panel({ title, onClose, children }: PanelProps) {
  return (
    <aside class="panel" aria-label={title}>
      <header>
        <h1>{title}</h1>
        <button type="button" class="tool" aria-label={`Close ${title}`} onClick={onClose}>
          <Icon node={X} />
        </button>
      </header>
      <div class="panel-body">{children}</div>
    </aside>
  );
}
