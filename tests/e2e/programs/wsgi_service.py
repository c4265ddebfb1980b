"""A WSGI service for gunicorn that leaks a block of 65,536 bytes at each visit, and nothing on other pages."""

import json
import os

HISTORY = []
LETTER = b"h"


def app(environ, start_response):
    if environ["PATH_INFO"].startswith("/visit/"):
        picture = LETTER * 65_503  # leaks
        HISTORY.append(picture)
    answer = json.dumps({"process": os.getpid(), "about": ["a line"] * 50}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
