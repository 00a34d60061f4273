"""The built-in data set: characters of the DejaVu faces, and the script that rendered them.

Belongs here: what makes and reads glyphs.npz. `render`, `choice` and `faces` need matplotlib and are for making it
anew only.
"""

from lambda_core.data.glyphs.dataset import load_glyphs

__all__ = [
    "load_glyphs",
]
