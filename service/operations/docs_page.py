"""The page /docs: three files of this package. It loads no script, style or font from elsewhere."""

from importlib import resources

from fastapi import APIRouter, Response

from registry.errors import NotFound
from service.pipeline.permissions import PUBLIC, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {"docs.html": "text/html", "docs.css": "text/css", "docs.js": "text/javascript"}


@router.get("/docs")
@router.get("/docs/{name}")
@requires(PUBLIC)
def docs_page(name: str = "docs.html") -> Response:
    """The page, its style and its script."""
    if name not in _KINDS:
        raise NotFound(f"No file {name[:50]!r} belongs to the page /docs.")
    text = resources.files("service").joinpath("operations", "docs_page_files", name).read_text("utf-8")
    return Response(
        text,
        media_type=_KINDS[name],
        headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"},
    )
