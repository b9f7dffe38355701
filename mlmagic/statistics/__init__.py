"""Statistics of columns that can be computed in parts and merged: the same numbers in whatever order the parts come."""
