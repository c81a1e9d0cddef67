"""An authorization server whose keys the test holds: metadata and JWK Set over HTTP, tokens of every kind."""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

Json = Any
AnyKey = RSAKey | ECKey | OKPKey | OctKey
_EVERY = jws.JWSRegistry(algorithms=["RS256", "PS256", "ES256", "EdDSA", "HS256"], strict_check_header=False)


class LocalIssuer:
    """Listens on loopback. `down` makes it answer with 503; `asked` are the paths of all requests."""

    def __init__(self) -> None:
        self.keys: dict[str, AnyKey] = {"rsa": RSAKey.generate_key(2048)}
        self.asked: list[str] = []
        self.down = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                status, said = issuer.answer(self.path)
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, *_said: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, Json]:
        if self.down:
            return 503, {}
        if path == "/.well-known/oauth-authorization-server":
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
        if path == "/jwks":
            public = [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]
            return 200, {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, *public]}
        return 404, {}

    def claims(self, audience: str, **more: Json) -> dict[str, Json]:
        now = int(time.time())
        said = {"iss": self.url, "aud": audience, "sub": "ada", "exp": now + 600, "iat": now, "jti": str(uuid.uuid4())}
        return {name: value for name, value in {**said, **more}.items() if value is not None}

    def token(
        self, claims: Json, *, alg: str = "RS256", kid: str = "rsa", key: AnyKey | None = None, **header: Json
    ) -> str:
        body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        head = {"alg": alg, "kid": kid, "typ": "at+jwt", **header}
        return jws.serialize_compact(head, body, key or self.keys[kid], algorithms=[alg], registry=_EVERY)
