"""What Streamlit runs for a visitor, again after every change; the server that does so begins in main.py."""

import sys
from pathlib import Path

if __name__ == "__main__":  # the process that adapts (lambda_core.system.worker) reads this file too, by another name
    root = str(Path(__file__).resolve().parents[1])
    if root not in sys.path:  # streamlit puts only this file's folder there
        sys.path.insert(0, root)
    from app import navigation

    navigation.show()
