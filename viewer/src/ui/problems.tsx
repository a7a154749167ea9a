import type { Viewer } from "../state";

/** What went wrong, as sentences, each with what can be done about it. */
export function Problems({ viewer }: { viewer: Viewer }) {
  return (
    <div class="problems" role="alert">
      {viewer.problems.value.map(({ id, text, retry }) => (
        <div class="problem" key={id}>
          <p>{text}</p>
          {retry && (
            <button type="button" onClick={retry}>
              Try again
            </button>
          )}
          <button type="button" onClick={() => viewer.dismiss(id)}>
            Dismiss
          </button>
        </div>
      ))}
    </div>
  );
}
