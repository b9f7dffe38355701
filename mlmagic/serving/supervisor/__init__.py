"""The process that keeps an endpoint: owns its listening socket, starts and ends its workers, tells them what to serve.

One for each endpoint, nobody's child. It carries no request: workers inherit the socket and accept on it themselves.
Where there is none, connections wait in the system's queue, and the first of them starts one. If the supervisor dies,
its workers serve on, and one of them starts the next supervisor and hands it the socket (`endpoint_worker.orphan`).
"""
