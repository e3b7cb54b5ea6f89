"""Models as ONNX files, and answers from them without torch."""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

__all__ = ["ExportedModel", "export_model"]

if TYPE_CHECKING:
    from .exported_model import ExportedModel
    from .onnx_folder import export_model
else:  # a program that runs an exported model has no torch
    __getattr__, __dir__ = lazy_names(__name__, {"ExportedModel": "exported_model", "export_model": "onnx_folder"})
