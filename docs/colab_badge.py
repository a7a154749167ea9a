"""Put the badge that opens the notebook in Google Colab into the README.

    python docs/colab_badge.py

Colab opens notebooks from GitHub, so the badge follows the clone's remote `origin`. Without one on
GitHub the README stays as it is. A commit does this by itself where pre-commit is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "notebooks/mandelbrot.ipynb"
ON_GITHUB = re.compile(r"(?:https://|ssh://git@|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?")
PLACE = re.compile(r"(<!-- badge -->).*?(<!-- /badge -->)", re.DOTALL)


def badge(remote: str, branch: str = "main") -> str | None:
    """Return the badge in Markdown for the address of a remote; None where that is not GitHub."""
    found = ON_GITHUB.fullmatch(remote)
    if found is None:
        return None
    colab = "https://colab.research.google.com"
    image = f"![Open in Colab]({colab}/assets/colab-badge.svg)"
    return f"[{image}]({colab}/github/{found[1]}/blob/{branch}/{NOTEBOOK})"


def with_badge(readme: str, badge: str) -> str:
    """Return the README's text with the badge in its place."""
    changed, places = PLACE.subn(rf"\1\n{badge}\n\2", readme)
    if places != 1:
        msg = f"README.md has {places} places for the badge, expected one: {PLACE.pattern}"
        raise ValueError(msg)
    return changed


def main() -> int:
    """Bring the README up to date."""
    command = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    remote = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    found = badge(remote)
    if found is None:
        print(f"{remote or 'no remote'}: no repository on GitHub; README.md stays as it is")
        return 0
    path = ROOT / "README.md"
    path.write_text(with_badge(path.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
