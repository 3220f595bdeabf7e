//! How much one XML document may ask for.

/// Bounds of one document. Its size in bytes is bounded by whoever received it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct XmlLimits {
    /// How deep elements may be nested, counting the outermost.
    pub(crate) depth: usize,
    /// Attributes of one element, declarations of namespaces included.
    pub(crate) attributes: usize,
    /// Elements and attributes together: each takes some 80 bytes of memory, and 4 bytes of text are enough for one.
    pub(crate) nodes: usize,
    /// Namespaces declared at once: every prefix is looked for among them.
    pub(crate) namespaces: usize,
    /// Bytes of one name.
    pub(crate) name: usize,
    /// Bytes of all keys that had to be made because they do not stand in the document so.
    pub(crate) name_bytes: usize,
}

impl Default for XmlLimits {
    fn default() -> Self {
        // As deep as JSON; real messages have 12 levels, 10 attributes and 20,000 nodes.
        Self { depth: 64, attributes: 64, nodes: 250_000, namespaces: 64, name: 256, name_bytes: 4 << 20 }
    }
}
