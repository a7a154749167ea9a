import { type Signal, useSignal } from "@preact/signals";
import { CircleHelp, MapPin, Maximize, Minimize, Palette, Rocket } from "lucide";
import { useEffect } from "preact/hooks";
import type { Viewer } from "../state";
import { Icon, type IconNode } from "./icon";

/** What can be open beside the picture, one at a time. */
export type PanelName = "places" | "colours";

interface ToolbarProps {
  readonly viewer: Viewer;
  readonly panel: Signal<PanelName | undefined>;
  readonly help: Signal<boolean>;
}

/** The few buttons that are always there; everything else is behind them. */
export function Toolbar({ viewer, panel, help }: ToolbarProps) {
  const toggle = (name: PanelName) => () => {
    panel.value = panel.value === name ? undefined : name;
  };
  return (
    <nav class="toolbar" aria-label="Tools">
      <Tool
        label="Places"
        keys="p"
        icon={MapPin}
        expanded={panel.value === "places"}
        onClick={toggle("places")}
      />
      <Tool
        label="Colours"
        keys="c"
        icon={Palette}
        expanded={panel.value === "colours"}
        onClick={toggle("colours")}
      />
      <FlyTool viewer={viewer} />
      <FullScreenTool />
      <Tool
        label="Help"
        keys="?"
        icon={CircleHelp}
        onClick={() => {
          help.value = true;
        }}
      />
    </nav>
  );
}

interface ToolProps {
  readonly label: string;
  /** The key that does the same. */
  readonly keys: string;
  readonly icon: IconNode;
  readonly expanded?: boolean;
  readonly pressed?: boolean;
  readonly onClick: () => void;
}

function Tool({ label, keys, icon, expanded, pressed, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class="tool"
      aria-label={label}
      aria-keyshortcuts={keys}
      title={`${label} (${keys})`}
      {...(expanded !== undefined && { "aria-expanded": expanded })}
      {...(pressed !== undefined && { "aria-pressed": pressed })}
      onClick={onClick}
    >
      <Icon node={icon} />
    </button>
  );
}

/** Zooms towards the pointer until pressed again. */
function FlyTool({ viewer: { motion } }: { viewer: Viewer }) {
  const flying = motion.flying.value !== 0;
  return (
    <Tool
      label="Fly"
      keys="v"
      icon={Rocket}
      pressed={flying}
      onClick={() => (flying ? motion.stop() : motion.fly(1))}
    />
  );
}

function FullScreenTool() {
  const full = useSignal(document.fullscreenElement !== null);
  useEffect(() => {
    const update = () => {
      full.value = document.fullscreenElement !== null;
    };
    document.addEventListener("fullscreenchange", update);
    return () => document.removeEventListener("fullscreenchange", update);
  }, [full]);
  // A host page may forbid it to its iframes.
  if (!document.fullscreenEnabled) return null;
  return (
    <Tool
      label={full.value ? "Leave full screen" : "Full screen"}
      keys="f"
      icon={full.value ? Minimize : Maximize}
      onClick={toggleFullScreen}
    />
  );
}

export function toggleFullScreen(): void {
  const done = document.fullscreenElement
    ? document.exitFullscreen()
    : document.documentElement.requestFullscreen();
  // Refused: the picture stays as it is, which says as much as a sentence.
  done.catch(() => undefined);
}
