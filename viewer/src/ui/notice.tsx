import { useEffect } from "preact/hooks";
import type { Viewer } from "../state";

/** Milliseconds for which a notice stays. */
const STAY = 2500;

/** Says for a moment what was just done. */
export function Notice({ viewer: { notice } }: { viewer: Viewer }) {
  const text = notice.value;
  useEffect(() => {
    if (!text) return undefined;
    const timer = setTimeout(() => {
      notice.value = "";
    }, STAY);
    return () => clearTimeout(timer);
  }, [text, notice]);
  return (
    <p class="notice" role="status">
      {text}
    </p>
  );
}
