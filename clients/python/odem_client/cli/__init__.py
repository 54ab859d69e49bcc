"""The `odem` command line."""
