"""Stands in for the worker: `python -m worker` finds it where this folder's parent is the working directory."""
