"""The page /docs, made of three files of our own: no script, style or font comes from anywhere else."""

from importlib import resources

from fastapi import APIRouter, Response

from service.pipeline.permissions import PUBLIC, requires
from service.pipeline.route import GatewayRoute

router = APIRouter(route_class=GatewayRoute, include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {"docs.html": "text/html", "docs.css": "text/css", "docs.js": "text/javascript"}


def _file(name: str) -> Response:
    text = resources.files("service").joinpath("operations", "docs_page_files", name).read_text("utf-8")
    return Response(
        text,
        media_type=_KINDS[name],
        headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"},
    )


@router.get("/docs")
@requires(PUBLIC)
def docs_page() -> Response:
    """The page."""
    return _file("docs.html")


@router.get("/docs/docs.css")
@requires(PUBLIC)
def docs_style() -> Response:
    """Its style."""
    return _file("docs.css")


@router.get("/docs/docs.js")
@requires(PUBLIC)
def docs_script() -> Response:
    """Its script."""
    return _file("docs.js")
