"""Lambda Lab in the browser: pages on Streamlit over what `lambda_core` measured.

Belongs here: what is shown, and the controls that ask for it. Does not: any rule, number or file format of the
studies (`lambda_core`). Exploring studies must not import torch.

`main.py` is the server, `script.py` what it runs for a visitor.

Each page is a folder: `page.py` reads like a table of contents, its parts stand beside it, one module each. Imports go
down: pages → `shared` → `figures` → `lambda_core`; a page knows no other page. From another folder a module is
imported, and its functions are called through it (`from app.shared import url_state`, `url_state.value("steps")`);
types and constants are imported by name from their module (`from app.figures.palette import Palette`).
"""
