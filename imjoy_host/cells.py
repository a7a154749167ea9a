"""Close the windows that an earlier run of a notebook cell left behind.

Running a cell again clears its output in the browser, but in Python the widget, its pages and
everything they hold would live on for as long as the kernel.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from IPython.core.getipython import get_ipython

if TYPE_CHECKING:
    from imjoy_host.window import ImJoyWindow


class Run(NamedTuple):
    """One execution of one cell."""

    cell: str
    message: str


_shown: defaultdict[str, dict[ImJoyWindow, Run]] = defaultdict(dict)
"""For each cell, the windows in its output, and which run showed them."""


def note_shown(window: ImJoyWindow) -> None:
    """Note that the running cell shows `window`; it is closed when a later run does not."""
    run, shell = _current_run(), get_ipython()
    if run is None or shell is None:
        return
    events = shell.events
    if _close_stale not in events.callbacks["post_run_cell"]:
        events.register("post_run_cell", _close_stale)
    _shown[run.cell][window] = run


def forget(window: ImJoyWindow) -> None:
    """Forget a closed window."""
    for windows in _shown.values():
        windows.pop(window, None)


def _current_run() -> Run | None:
    """Return the run of the executing cell; None where the front end does not name cells."""
    shell = get_ipython()
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    cell = parent.get("metadata", {}).get("cellId")
    return Run(cell, parent["header"]["msg_id"]) if cell else None


def _close_stale(_result: object) -> None:
    run = _current_run()
    if run is None or run.cell not in _shown:
        return
    windows = _shown[run.cell]
    for window in [window for window, shown in windows.items() if shown != run]:
        del windows[window]
        if not any(window in others for others in _shown.values()):
            window.close()
