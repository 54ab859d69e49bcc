"""uvicorn integration: request head limits, graceful closing and zero-copy sending.

The only package that uses internals of uvicorn and starlette. `tests/unit/service/test_server_pins.py` lists each of
them and pins the versions for which the use was checked.
"""
