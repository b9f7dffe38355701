"""The least that a server can do: take the body and answer with as many bytes as the model's server would."""

import os

ANSWER = b'{"predictions": [[' + b"0.123456789" + b"]]}"
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(os.environ["PORT"]), loop="uvloop", http="httptools", access_log=False, lifespan="off")
