"""What a merge method must know of a network, one file for each family."""
