"""What the registry knows of open_clip networks without torch: accepted model configs and tensor shapes."""
