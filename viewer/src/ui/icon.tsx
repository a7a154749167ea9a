import { createElement } from "preact";

/** The shape of lucide's icons: elements and their attributes. */
export type IconNode = readonly (readonly [tag: string, attributes: Record<string, unknown>])[];

/** A line drawing in the colour of the text around it; the control it is on carries the name. */
export function Icon({ node }: { node: IconNode }) {
  return (
    <svg
      class="icon"
      aria-hidden="true"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {node.map(([tag, attributes]) => createElement(tag, attributes))}
    </svg>
  );
}
