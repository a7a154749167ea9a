"""The README's Python runs as written, and its links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tour_runs():
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 4
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - the point of the test
    assert names["z_grp"]["39"].shape == (2048, 2048)


def test_links_to_files_lead_somewhere():
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.fixture(scope="module")
def colab_badge():
    spec = importlib.util.spec_from_file_location("colab_badge", ROOT / "docs/colab_badge.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/some-one/set.zarr",
        "https://github.com/some-one/set.zarr.git",
        "git@github.com:some-one/set.zarr.git",
        "ssh://git@github.com/some-one/set.zarr/",
    ],
)
def test_the_badge_opens_the_remotes_notebook(colab_badge, remote):
    badge = colab_badge.badge(remote)
    (target,) = re.findall(r"\]\((https:[^)]+\.ipynb)\)$", badge)
    head, _, path = target.partition("/blob/main/")
    assert head == "https://colab.research.google.com/github/some-one/set.zarr"
    assert (ROOT / path).exists()
    once = colab_badge.with_badge(README, badge)
    assert once.count("colab-badge.svg") == 1
    assert colab_badge.with_badge(once, badge) == once


@pytest.mark.parametrize("remote", ["", "https://example.org/a/b", "/srv/github.com/a/b", "a@b:c"])
def test_no_badge_for_other_remotes(colab_badge, remote):
    assert colab_badge.badge(remote) is None


def test_a_readme_without_its_place_is_refused(colab_badge):
    with pytest.raises(ValueError, match="0 places"):
        colab_badge.with_badge("# Set", "badge")
