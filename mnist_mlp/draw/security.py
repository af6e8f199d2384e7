"""What keeps other web pages out: the Content-Security-Policy of the page, and a check of each request's sender."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# The browser itself then refuses what is inline or from elsewhere.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class OwnPageOnly:
    """Middleware that refuses requests that a page from elsewhere makes the browser send.

    Such a request comes directly, or by DNS rebinding: a name in the attacker's hands that resolves to this machine.
    So the Host header must be localhost, an IP address or ``host``, and the Origin header, which browsers send with
    every POST, must name the same host and port.

    Args:
        app: The application behind the check.
        host: The name or address that the server was told to listen on.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        self.names = {"localhost", host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.is_own(Headers(scope=scope)):
            response = JSONResponse({"error": "not a request of this server's own page"}, 403)
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_own(self, headers: Headers) -> bool:
        host = headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            known = name in self.names or bool(ip_address(name))
            return known and urlsplit(headers.get("origin", f"//{host}")).netloc == host
        except ValueError:
            return False
