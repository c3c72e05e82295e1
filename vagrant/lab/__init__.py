"""The lab: throw-away guests that run a command in the working tree on one of the supported kernels."""
