"""The command line and the viewer read places alike."""

from fractions import Fraction

import pytest

from mandelbrot_cli.location import Location, location_text, parse_location

TEXTS = [
    "-0.75 + 0.1i",
    "-0.75+.1i, 1e-10",
    "(-0.75-0.1j) width: 3e-2",
    "0.25 - i",
    "i",
    "-0.75, 0.1",
    "-0.75, 0.1, 1e-10",
    "[-0.75; 0.1; 1e-10]",
    "−0.75 0.1 @ 1×10⁻¹⁰",
    "-0.75 0.1 2*10^-3",
    "re: -1.5\nim: 1e-3\nwidth: 0.25",
    '{"re": "-1.5", "im": "1e-3", "width": "0.25"}',
    '{"center_re": -1.5, "center_im": 0.5, "zoom": 1e6}',
    "real = -1.5\nimag = 0.25\nmagnification = 1e6",
    "https://example.org/?x=-0.5&y=.25&w=1e-3",
    "Re: -0.743643887037151\nIm: 0.131825904205330\nZoom: 2.5E10\nIterations: 1000\n",
    "(view -0.7 0.2 0.01 0.02)",
    "Re: 0.1\nIm: 0.2\nZoom: 0",
    "0, 0, 0",
    "0, 0, -1",
    "",
    "nonsense",
    "1.2.3, 4",
    "1e, 2",
    "0x10, 1",
    "\uff11, \uff12",
    "-0." + "1234567890" * 300 + ", 0." + "9" * 3000 + ", 1e-2990",
    "1, 2, " + "9" * 100_000,
]


def ours(text):
    try:
        return parse_location(text)
    except ValueError:
        return None


def test_we_read_what_the_viewer_reads(viewer_code):
    expression = "data.map((text) => attempt(() => viewer.parseLocation(text)))"
    answers = viewer_code("location_text", expression, TEXTS)
    for text, theirs in zip(TEXTS, answers, strict=True):
        written, short = ours(text), text[:99]
        if theirs is None:
            assert written is None, short
            continue
        width, extent = (theirs.get(name) for name in ("width", "extent"))
        # What shows nothing is a place to the viewer, until it is to go there.
        if width and Fraction(width) <= 0:
            assert written is None, short
            continue
        assert written.center == tuple(map(Fraction, theirs["center"])), short
        assert written.width == (Fraction(width) if width else None), short
        assert bool(written.extent) == bool(extent), short
        if extent:
            assert abs(written.extent / Fraction(extent) - 1) < 1e-15, short


@pytest.mark.parametrize(
    ("text", "size", "width"),
    [
        ("0, 0, 3", (300, 200), Fraction(3)),
        ("0, 0", (300, 200), Fraction(15, 2)),
        ("re: 0 im: 0 zoom: 4", (300, 200), Fraction(3, 2)),
        ("re: 0 im: 0 zoom: 4", (200, 300), Fraction(1)),
    ],
)
def test_what_is_seen_on_a_picture(text, size, width):
    assert parse_location(text).on(*size).width == width


@pytest.mark.parametrize("width", [Fraction(1, 3), Fraction(5, 2**200), Fraction(10) ** -3000])
def test_texts_are_read_again(width):
    location = Location((Fraction(-3, 4), Fraction(10) ** -3000), width)
    again = parse_location(location_text(location))
    assert again.center == location.center
    assert abs(again.width / width - 1) < 1e-16


@pytest.mark.parametrize("text", ["nonsense", "", "0, 0, 0", "x" * 1000])
def test_refusals_say_what_is_expected(text):
    with pytest.raises(ValueError, match=r"is no location.*(write one such as|expected)"):
        parse_location(text)
