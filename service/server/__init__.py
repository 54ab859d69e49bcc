"""uvicorn integration: header limits and zero-copy sending. The only package that uses private APIs."""
