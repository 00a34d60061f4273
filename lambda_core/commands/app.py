"""`lambda-core app`: the dashboard, from a checkout or from wherever the package was installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from lambda_core.errors import ConfigError

_TOP = Path(__file__).parents[2]
PLACES = (_TOP / "lambda_app" / "app" / "main.py", _TOP / "app" / "main.py")  # of a wheel (setup.py), of a checkout


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def app(options: tuple[str, ...]) -> None:
    """Open the dashboard in a browser; OPTIONS are those of streamlit run, such as --server.port 8600."""
    if find_spec("streamlit") is None or find_spec("plotly") is None:
        raise ConfigError("the app needs Streamlit and Plotly: pip install 'lambda-core[app]'")
    main = next((place for place in PLACES if place.exists()), None)
    if main is None:
        raise ConfigError(f"the app is missing beside {_TOP}; install lambda-core anew")
    sys.exit(subprocess.call([sys.executable, "-m", "streamlit", "run", str(main), *options]))
