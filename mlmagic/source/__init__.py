"""Cells to trainer packages: pure functions of text, no IPython."""
