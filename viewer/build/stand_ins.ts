/** What `unused.ts` puts in the place of other modules, under the names that are imported of them. */

/** Taken for a class that others extend, or that is made and then never called. */
class Unused {
  readonly isUnused = true;
  static readonly defaultProps = {};
}

function unused(): never {
  throw new Error("this part of a library was left out of the viewer; see build/unused.ts");
}

export {
  // @deck.gl/layers, @deck.gl/geo-layers, @math.gl/culling and wgsl_reflect
  Unused as BitmapLayer,
  Unused as LineLayer,
  Unused as Plane,
  Unused as PolygonLayer,
  Unused as TextLayer,
  Unused as TileLayer,
  Unused as WgslReflect,
  // mjolnir.js: its recognizers
  Unused as Pan,
  Unused as Pinch,
  Unused as Tap,
  // @vivjs/loaders
  unused as getImageSize,
  unused as isInterleaved,
  // @loaders.gl
  unused as fetchFile,
  unused as load,
  unused as parse,
};

export const SIGNAL_ABORTED = "aborted";

/** deck.gl names it among the loaders. */
export const ImageLoader = {};
/** deck.gl names its loaders as it starts. */
export function registerLoaders(): void {
  // None of them will be used.
}

export const InputDirection = { Vertical: 0 };
/** deck.gl's way to pointers and keys; the viewer has its own. */
export class EventManager {
  on(): void {
    // Nobody is told.
  }

  destroy(): void {
    // There is nothing to end.
  }
}
