import type { Location } from "../model";
import type { Viewer } from "../state";

/** Whether the first image has pixels as fine as a location asks for. */
export function reaches(viewer: Viewer, location: Location): boolean {
  const goal = viewer.cameraAt(location);
  return goal !== undefined && goal.zoom <= viewer.zoomLimits[1];
}

/** Travels to a location; to one deeper than the image goes, as near as it goes. */
export function travel(viewer: Viewer, location: Location): void {
  const goal = viewer.cameraAt(location);
  if (!goal) return;
  const [, most] = viewer.zoomLimits;
  void viewer.motion.goTo(goal.zoom > most ? { ...goal, zoom: most } : goal);
}
