"""An adaptation as ONNX graphs, to run where there is no torch: on a phone, in a browser, in a C++ program.

Belongs here: writing the graphs, and checking them against the definition. Does not: adapting in Python (`adaptation`).
"""

from lambda_core.export.exporting import Exported, archive, export_adaptation

__all__ = ["Exported", "archive", "export_adaptation"]
