"""mlmagic: from a notebook cell to a served model."""

__version__ = "0.1.0.dev0"
