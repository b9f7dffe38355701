"""What plays a container of a custom job: a replica's program, which makes the circumstances of its own child.

It is a program of the engine's jobs, and imports nothing of the emulator's server.
"""
