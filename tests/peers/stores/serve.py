"""The services that artifacts lie on: `s3` (moto), `http FOLDER` (files and git repositories), `gcs KEYFILE` (a double);
and `httpbin`, that Argo's own tests ask.

Prints `ready PORT` and ends when standard input does.
"""

import base64
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

USER, PASSWORD = "olga", "pass:word-of-olga"


class Files(BaseHTTPRequestHandler):
    """GET and PUT below /open/ (anybody), /basic/ (user and password), /bearer/ (the token of /token); /to/… redirects;
    /git/… is git's own HTTP backend, /private-git/… the same with user and password."""

    folder = ""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def basic(self):
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def allowed(self, kind):
        if kind in ("basic", "private-git"):
            return self.basic()
        if kind == "bearer":
            return self.headers.get("Authorization") == "Bearer the-token"
        return True

    def handle_one(self):
        path = unquote(urlsplit(self.path).path)
        kind, _, rest = path.lstrip("/").partition("/")
        body = self.body()
        if kind == "to":
            target = parse_qs(urlsplit(self.path).query)["url"][0]
            return self.answer(307, headers=[("Location", target)])
        if kind == "token":
            form = parse_qs(body.decode())
            good = self.basic_client() or (form.get("client_id"), form.get("client_secret")) == (["me"], ["my-secret"])
            wanted = form.get("grant_type") == ["client_credentials"] and form.get("scope") == ["a b"]
            if good and wanted and form.get("audience") == ["x"]:
                return self.answer(200, json.dumps({"access_token": "the-token", "token_type": "Bearer"}).encode())
            return self.answer(401, b'{"error":"invalid_client"}')
        if not self.allowed(kind):
            return self.answer(401, headers=[("WWW-Authenticate", 'Basic realm="peer"')])
        if kind in ("git", "private-git"):
            return self.git(rest, body)
        target = os.path.join(self.folder, *(part for part in rest.split("/") if part not in ("", "..")))
        if self.command == "PUT":
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(body)
            return self.answer(201)
        if not os.path.isfile(target):
            return self.answer(404)
        with open(target, "rb") as file:
            return self.answer(200, file.read(), [("X-Seen", self.headers.get("X-Own", ""))])

    def basic_client(self):
        return self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:my-secret").decode()

    def git(self, rest, body):
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": self.folder,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": "/" + rest,
            "REQUEST_METHOD": self.command,
            "QUERY_STRING": urlsplit(self.path).query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HOME": self.folder,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self.answer(status, content, [header for header in headers if header[0] != "Status"])

    do_GET = do_PUT = do_POST = handle_one


class Bucket(BaseHTTPRequestHandler):
    """Google's XML interface (https://cloud.google.com/storage/docs/xml-api/reference-methods) to one bucket: its emulators
    lack it. Strict: a request needs a JWT signed with the key whose public half is `key` and for the right scope."""

    key = ""
    objects = {}
    protocol_version = "HTTP/1.1"
    log_message = Files.log_message
    answer = Files.answer
    body = Files.body

    def signed(self):
        import jwt

        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, self.key, algorithms=["RS256"], options={"verify_aud": False})
        except jwt.PyJWTError:
            return False
        return scheme == "Bearer" and claims["iss"] == "robot@peer" and "cloud-platform" in claims["scope"]

    def handle_one(self):
        body = self.body()
        url = urlsplit(self.path)
        bucket, _, name = unquote(url.path).lstrip("/").partition("/")
        if not self.signed():
            return self.answer(401)
        if bucket != "bucket":
            return self.answer(404)
        if self.command == "PUT" and name and not url.query:
            self.objects[name] = body
            return self.answer(200, headers=[("ETag", '"1"')])
        if self.command == "GET" and not name:
            return self.answer(200, self.listing(parse_qs(url.query)))
        if name not in self.objects:
            return self.answer(404)
        if self.command == "DELETE":
            del self.objects[name]
            return self.answer(204)
        when = [("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"), ("ETag", '"1"')]
        return self.answer(200, self.objects[name], when)

    def listing(self, query):
        from xml.sax.saxutils import escape

        prefix = query.get("prefix", [""])[0]
        found = [
            f"<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"1"</ETag><Size>{len(content)}</Size></Contents>'
            for name, content in sorted(self.objects.items())
            if name.startswith(prefix)
        ]
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(found)}</ListBucketResult>".encode()

    do_GET = do_PUT = do_DELETE = handle_one


def serve(kind, arguments):
    if kind == "gcs":
        with open(arguments[0], encoding="utf-8") as file:
            Bucket.key = file.read()
        server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]
    if kind == "http":
        Files.folder = arguments[0]
        server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]
    if kind == "httpbin":
        from httpbin import app
        from werkzeug.serving import WSGIRequestHandler, make_server

        WSGIRequestHandler.log_request = lambda *_: None
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port
    if kind == "s3":
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        return server.get_host_and_port()[1]
    raise SystemExit(f"there is no service {kind}")


if __name__ == "__main__":
    port = serve(sys.argv[1], sys.argv[2:])
    print("ready", port, flush=True)
    sys.stdin.read()
    os._exit(0)
