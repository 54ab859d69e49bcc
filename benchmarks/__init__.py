"""Reproducible measurements of quality and speed, and the models that they are made on."""
