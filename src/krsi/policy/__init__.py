"""What a policy means: reading, checking and the specification. Pure; no kernel, no clock, no network."""
