"""Boards: a TensorBoard over several jobs, as a process of its own that answers this user alone."""
