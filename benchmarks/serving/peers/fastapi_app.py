"""FastAPI as its documentation has it: a typed body, a plain function."""

import calls
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
call = calls.load()


class Body(BaseModel):
    instances: list


@app.post("/predict")
def predict(body: Body):
    return {"predictions": call(body.instances)}
