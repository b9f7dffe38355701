"""An endpoint's processes: the supervisor, which owns the socket, and its workers."""
