"""Google Cloud on loopback, a process of its own: Vertex AI, Cloud Storage, Dataflow, Logging and Monitoring.

`launch.emulator` starts one and ends it; `python -m mlmagic.emulator --root DIR` is the process. What it knows of the
APIs' messages and addresses is generated from Google's client libraries (`wire`), which it does not import.
"""
