"""The parameters and answers that all listings have."""

from typing import Annotated

from fastapi import Query

from service.http.problem_responses import Responses
from service.http.response_headers import headers

Limit = Annotated[int | None, Query(ge=1, le=1000, description="Most entries on the page; ODEM_PAGE_SIZE without it.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next` of the page before: the listing goes on where it ended.")
]
PAGE: Responses = {200: {"description": "A page."} | headers("Link")}
