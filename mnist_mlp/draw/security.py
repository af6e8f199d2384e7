"""What keeps other web pages out: the Content-Security-Policy of the page, and a check of each request's sender."""

from collections.abc import Sequence
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
    So the Host header must be an IP address or one of the names, and the Origin header, which browsers send with every
    POST, must name the same host and port, or one of ``allowed``: a proxy may pass requests on with another Host.

    Args:
        app: The application behind the check.
        host: The name or address that the server was told to listen on.
        allowed: Further names under which the page is reached, such as that of a proxy.
    """

    def __init__(self, app: ASGIApp, host: str, allowed: Sequence[str] = ()) -> None:
        self.app = app
        self.allowed = {name.lower() for name in allowed}
        self.names = {"localhost", host.lower()} | self.allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self.objection(Headers(scope=scope)) if scope["type"] == "http" else None
        if reason:
            await JSONResponse({"error": reason}, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def objection(self, headers: Headers) -> str | None:
        """Returns why a request is refused, or None."""
        host = headers.get("host", "")
        name = host_name(host)
        if not (name in self.names or is_address(name)):
            return f"this server does not know itself as {name!r}: start it with --allow {name}"
        origin = headers.get("origin", f"//{host}")
        if origin.partition("//")[2] != host and host_name(origin.partition("//")[2]) not in self.allowed:
            return f"sent by another page, {origin!r}: if it is this server's own behind a proxy, use --allow NAME"
        return None


def host_name(host: str) -> str:
    """Returns the name in a host with or without a port, in lower case; empty if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_address(name: str) -> bool:
    """Returns whether the name is an IP address."""
    try:
        return bool(ip_address(name))
    except ValueError:
        return False
