"""A web service with an endpoint that leaks. under_uvicorn.py and under_gunicorn.py run it under load.

Each visit leaves one entry of 65,536 bytes in HISTORY, and nobody takes it out: the line marked "leaks"
holds exactly one block for each visit, 65,503 bytes of content and the 33 bytes that any bytes object
needs. The other endpoint is as busy and keeps nothing.
"""

import os

from fastapi import FastAPI

app = FastAPI()
HISTORY = []
LETTER = b"h"


@app.get("/visit/{visitor}")
async def visit(visitor: int):
    picture = LETTER * 65_503  # leaks
    HISTORY.append(picture)
    return {"visitor": visitor, "process": os.getpid()}


@app.get("/about")
async def about():
    return {"about": [f"line {number} of what we are" for number in range(50)], "process": os.getpid()}
