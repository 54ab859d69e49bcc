"""One command that runs the whole service on one machine: embedded Valkey, worker and gateway."""
