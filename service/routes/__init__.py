"""The routes: each parses, calls one function and shapes the reply."""
