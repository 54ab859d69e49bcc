"""Stands in for the gateway: `python -m service` finds it where this folder's parent is the working directory."""
