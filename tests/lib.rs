//! Proves the gateway end to end and enforces the rules of the code base; holds no production code.
