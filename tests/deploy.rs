//! What is deployed beside the program: it is valid, and speaks of metrics that exist.
