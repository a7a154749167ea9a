"""Running the command as people do, and the viewer's own code beside ours."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

VIEWER = Path(__file__).parents[2] / "viewer"


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Let Ctrl-C reach the command even where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def mandelbrot(tmp_path):
    """Return a function that runs the command in a folder of its own."""

    def run(*words, **options):
        command = [sys.executable, "-m", "mandelbrot_cli", *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, **options
        )

    return run


@pytest.fixture(scope="session")
def viewer_code(tmp_path_factory):
    """Return a function that evaluates an expression with a module of the viewer, as JSON."""
    folder = tmp_path_factory.mktemp("viewer")

    def evaluate(module, expression, data):
        bundle = folder / f"{module}.mjs"
        if not bundle.exists():
            esbuild = VIEWER / "node_modules/.bin/esbuild"
            if not esbuild.exists():
                pytest.fail(f"{esbuild}: expected the viewer's npm packages; run npm ci in viewer/")
            source = VIEWER / f"src/{module}.ts"
            arguments = ["--bundle", "--format=esm", "--log-level=error", f"--outfile={bundle}"]
            subprocess.run([esbuild, source, *arguments], check=True)
        script = (
            f'import * as viewer from {json.dumps(bundle.as_uri())}; import fs from "node:fs";'
            "const data = JSON.parse(fs.readFileSync(0));"
            "const attempt = (f) => { try { return f() } catch (error) { return null } };"
            f"console.log(JSON.stringify({expression}))"
        )
        done = subprocess.run(
            ["node", "--input-type=module", "-e", script],
            input=json.dumps(data),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    return evaluate
