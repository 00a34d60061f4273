"""The parts of a network, each written out as standard ONNX operators: forward, backward, and a step of its weights.

Belongs here: what one part adds to a graph. Does not: which parts a model has, and which steps are taken (`export`).
"""

from lambda_core.export.operators.convolution import Convolution
from lambda_core.export.operators.first_block import FirstBlock
from lambda_core.export.operators.graph_builder import OPSET, Array, GraphBuilder
from lambda_core.export.operators.head import Head, error
from lambda_core.export.operators.normalisation import Normalisation
from lambda_core.export.operators.passes import Names, Pass, Steps, rows_of
from lambda_core.export.operators.places import Features, Image, Rows
from lambda_core.export.operators.pooling import Flattening, MaxPooling, MeanOverPlaces, Rectifier
from lambda_core.export.operators.residual import Residual, back_through, on_image, through

__all__ = [
    "OPSET",
    "Array",
    "Convolution",
    "Features",
    "FirstBlock",
    "Flattening",
    "GraphBuilder",
    "Head",
    "Image",
    "MaxPooling",
    "MeanOverPlaces",
    "Names",
    "Normalisation",
    "Pass",
    "Rectifier",
    "Residual",
    "Rows",
    "Steps",
    "back_through",
    "error",
    "on_image",
    "rows_of",
    "through",
]
