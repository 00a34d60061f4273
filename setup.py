"""What the wheel holds besides `lambda_core`: the app, in a folder of its own, and the studies that ship with it.

In a checkout they lie at the top, where nothing needs installing. In site-packages `app` would be anyone's name: there
the app lies in `lambda_app/app`, and app/main.py puts the folder above itself on the path in both places.
"""

from pathlib import Path

from setuptools import find_packages, setup

KINDS = ("json", "parquet", "safetensors")

studies = sorted(path.parent.name for path in Path("cached_results").glob("*/study.json"))
engine, app = find_packages(include=["lambda_core*"]), find_packages(include=["app*"])
setup(
    packages=[*engine, *(f"lambda_app.{name}" for name in app), "lambda_core.cached_results"],
    package_dir={"lambda_app.app": "app", "lambda_core.cached_results": "cached_results"},
    package_data={
        "lambda_core.data.glyphs": ["*.npz"],
        "lambda_core.analysis": ["claims.toml"],
        "lambda_app.app": ["assets/*", ".streamlit/config.toml"],
        "lambda_core.cached_results": [f"{name}/*.{kind}" for name in studies for kind in KINDS],
    },
    include_package_data=False,
)
