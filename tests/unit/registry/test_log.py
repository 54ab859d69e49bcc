"""Lines of the log as JSON."""

import io
import json
import logging

from registry.logging_config import bound, handler


def _logger(stream: io.StringIO) -> logging.Logger:
    logger = logging.getLogger("odem.test")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.handlers = [handler("json", stream)]
    return logger


def test_a_line_is_one_json_object_with_the_ids_that_are_bound() -> None:
    stream = io.StringIO()
    logger = _logger(stream)
    with bound(merge="mrg_1", lineage=None), bound(request="r"):
        logger.info("made %s\nin two lines", "a@1")
    logger.warning("later")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["message"], first["merge"], first["request"], first["level"]) == (
        "made a@1\nin two lines",
        "mrg_1",
        "r",
        "info",
    )
    assert "lineage" not in first
    assert "merge" not in second


def test_an_error_brings_its_traceback_in_the_same_line() -> None:
    stream = io.StringIO()
    try:
        int("no")
    except ValueError:
        _logger(stream).exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: invalid" in json.loads(line)["error"]
