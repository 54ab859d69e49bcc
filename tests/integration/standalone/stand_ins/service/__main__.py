"""A gateway that keeps what it is sent in Valkey and acknowledges it then: POST /notes, GET /notes, GET /readyz."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis


class Handler(BaseHTTPRequestHandler):
    state = redis.Redis.from_url(os.environ["ODEM_REDIS_URL"], decode_responses=True)

    def do_GET(self) -> None:
        self.reply(200, self.state.lrange("notes", 0, -1) if self.path == "/notes" else "ready")

    def do_POST(self) -> None:
        note = self.rfile.read(int(self.headers["content-length"])).decode()
        try:
            self.reply(202, self.state.rpush("notes", note))
        except redis.RedisError as error:
            self.reply(503, str(error))

    def reply(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer((os.environ["ODEM_HOST"], int(os.environ["ODEM_PORT"])), Handler).serve_forever()
