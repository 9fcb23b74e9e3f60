"""The door of a single-user service: loopback only, no proxy, no other site's page.

Until there are accounts, whoever can reach the service may do everything.  So it listens on loopback
alone, and refuses what a proxy or a page of another site would send: forwarding headers, a ``Host``
that is not its own (a name that was pointed at loopback), an ``Origin`` that is not its own.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import PROBLEM, language_of
from api.errors import RefusedError, problem, status_of

__all__ = ["LOOPBACK", "Guard"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_FORWARDED = (
    "forwarded",
    "x-real-ip",
    "x-original-host",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "via",
)
# A page may load nothing from another host, and no other page may frame it.  MapLibre starts its worker
# from a blob and sets styles on its elements.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PROTECTION = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses requests that did not come straight from this machine's user, and marks the answers.

    Parameters
    ----------
    app : the application behind the door
    port : on which the service listens
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = frozenset(f"{name}:{port}" for name in LOOPBACK)
        if port == 80:
            self._hosts |= frozenset(LOOPBACK)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_PROTECTION)
            await send(message)

        reason = self._reason(Headers(scope=scope))
        if reason is None and scope["type"] == "http":
            await self._app(scope, receive, protected)
            return
        error = reason or RefusedError("api.refused_protocol", protocol=scope["type"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        body = problem(error, language_of(Request(scope)))
        await JSONResponse(body, status_of(error), media_type=PROBLEM)(scope, receive, protected)

    def _reason(self, headers: Headers) -> RefusedError | None:
        forwarded = [name for name in headers if name in _FORWARDED or name.startswith("x-forwarded")]
        if forwarded:
            return RefusedError("api.refused_forwarded", header=forwarded[0])
        if headers.getlist("host") not in ([host] for host in self._hosts):
            return RefusedError("api.refused_host", host=headers.get("host", ""))
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return RefusedError("api.refused_origin", origin=origin)
        # A browser says so when another site's page asks, also where it sends no Origin.
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return RefusedError("api.refused_origin", origin=headers.get("referer", "cross-site"))
        return None
