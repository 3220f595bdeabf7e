//! The rules of the code base, each with its reason. They look at files and at cargo's own data; they compile nothing
//! and do not judge style that rustfmt and clippy already judge.

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/licence.rs"]
mod licence;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;
