"""Small requests at a steady pace, and many watchers of events, on one gateway that has one core."""
