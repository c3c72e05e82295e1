"""Records from the ring -> events -> documents."""
