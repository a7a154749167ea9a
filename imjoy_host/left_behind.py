"""What an output says where its window cannot be: its kernel is gone, or the notebook is only read.

After a restart of the kernel *and* a reload of the browser page, JupyterLab has nothing to show of
a widget but "model not found", and none of this package's code is there to say more.
"""

from __future__ import annotations

SENTENCE = (
    "A window was here. It lives as long as its kernel and is not saved with the notebook: "
    "run the cells again."
)

# Seen only where JupyterLab and Notebook 7 show no window beside it, and where there is no style.
_HTML = f"""<style>
.imjoy-left-behind {{ display: none; }}
.jp-OutputArea:not(:has(.imjoy-window)) .imjoy-left-behind {{
  display: block; visibility: hidden; animation: imjoy-left-behind 0s 3s forwards;
}}
@keyframes imjoy-left-behind {{ to {{ visibility: visible; }} }}
</style>
<p class="imjoy-left-behind">{SENTENCE}</p>"""


def left_behind() -> dict[str, str]:
    """Return the MIME bundle to display after a window."""
    return {"text/html": _HTML, "text/plain": ""}
