"""What `benchmarks.chaos` disturbs, and the client that goes on sending."""
