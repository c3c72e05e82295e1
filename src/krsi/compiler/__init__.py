"""Policy -> image: globs, one automaton, path classes, records. Pure; nothing here touches the kernel."""
