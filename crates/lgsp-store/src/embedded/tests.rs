//! What needs the engine's inside: a full disk.
