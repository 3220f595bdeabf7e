//! Small documents, changed in every place in every way that a schema could mind.
//!
//! It reads only what the schemas beside it use: elements, attributes and texts without references.

use std::collections::BTreeSet;

/// Texts that are of some type and not of others.
const VALUES: [&str; 36] = [
    "",
    " ",
    "0",
    "1",
    "-1",
    "7",
    "12",
    "100",
    "1.5",
    "1.50",
    "-0.0",
    "abc",
    "ABC",
    "a b",
    " 5 ",
    "true",
    "2024-02-29",
    "2023-02-29",
    "2024-01-01T00:00:00Z",
    "2024-01-01T24:00:00",
    "12:00:00",
    "12:60:00",
    "P1D",
    "P",
    "AQ==",
    "AQ=",
    "0F",
    "0",
    "NaN",
    "INF",
    "1e3",
    "+5",
    "00012",
    "x:y",
    "vi-VN",
    "99999999999999999999",
];

#[derive(Clone)]
enum Node {
    Text(String),
    Element { name: String, attributes: Vec<(String, String)>, inside: Vec<Node> },
}

/// The documents, and each with one change.
pub(crate) fn all(documents: &[&str]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for document in documents {
        let root = read(document);
        found.insert(write(&root));
        let mut path = Vec::new();
        places(&root, &mut path, &mut |path| {
            for changed in changes(at(&root, path)) {
                if let Some(document) = replaced(&root, path, &changed) {
                    found.insert(write(&document));
                }
            }
        });
    }
    found.into_iter().collect()
}

/// What one node may become: one or more nodes, or none.
fn changes(node: &Node) -> Vec<Vec<Node>> {
    let Node::Element { name, attributes, inside } = node else { return vec![vec![]] };
    let with = |attributes: Vec<(String, String)>, inside: Vec<Node>| {
        vec![Node::Element { name: name.clone(), attributes, inside }]
    };
    let mut found = vec![vec![], vec![node.clone(), node.clone()]];
    found.push(vec![Node::Element { name: "zz".into(), attributes: attributes.clone(), inside: inside.clone() }]);
    found.push(vec![Node::Element { name: "zz".into(), attributes: vec![], inside: vec![] }, node.clone()]);
    found.push(vec![node.clone(), Node::Text("zz".into())]);
    let mut more = attributes.clone();
    more.push(("zz".into(), "1".into()));
    found.push(with(more, inside.clone()));
    let mut nil = attributes.clone();
    nil.retain(|(key, _)| key != "xsi:nil");
    nil.push(("xsi:nil".into(), "true".into()));
    found.push(with(nil.clone(), vec![]));
    found.push(with(nil, inside.clone()));
    for n in 0..attributes.len() {
        let mut fewer = attributes.clone();
        fewer.remove(n);
        found.push(with(fewer, inside.clone()));
        for value in VALUES {
            let mut other = attributes.clone();
            other[n].1 = value.into();
            found.push(with(other, inside.clone()));
        }
    }
    if inside.iter().all(|node| matches!(node, Node::Text(_))) {
        found.extend(VALUES.map(|value| with(attributes.clone(), vec![Node::Text(value.into())])));
    }
    for n in 1..inside.len() {
        let mut swapped = inside.clone();
        swapped.swap(n - 1, n);
        found.push(with(attributes.clone(), swapped));
    }
    found
}

fn places(node: &Node, path: &mut Vec<usize>, visit: &mut dyn FnMut(&[usize])) {
    visit(path);
    if let Node::Element { inside, .. } = node {
        for (n, child) in inside.iter().enumerate() {
            path.push(n);
            places(child, path, visit);
            path.pop();
        }
    }
}

fn at<'n>(node: &'n Node, path: &[usize]) -> &'n Node {
    match (node, path) {
        (Node::Element { inside, .. }, [first, rest @ ..]) => at(&inside[*first], rest),
        _ => node,
    }
}

/// The document with `nodes` at a place; `None` when it would not have one root.
fn replaced(node: &Node, path: &[usize], nodes: &[Node]) -> Option<Node> {
    let Some((first, rest)) = path.split_first() else {
        return match nodes {
            [one @ Node::Element { .. }] => Some(one.clone()),
            _ => None,
        };
    };
    let Node::Element { name, attributes, inside } = node else { return None };
    let mut inside = inside.clone();
    if rest.is_empty() {
        inside.splice(first..=first, nodes.iter().cloned());
    } else {
        inside[*first] = replaced(&inside[*first], rest, nodes)?;
    }
    Some(Node::Element { name: name.clone(), attributes: attributes.clone(), inside })
}

fn read(text: &str) -> Node {
    let mut stack: Vec<Node> = vec![Node::Element { name: String::new(), attributes: vec![], inside: vec![] }];
    let push = |stack: &mut Vec<Node>, node| match stack.last_mut().unwrap() {
        Node::Element { inside, .. } => inside.push(node),
        Node::Text(_) => unreachable!("only elements are open"),
    };
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        if start > 0 {
            push(&mut stack, Node::Text(rest[..start].into()));
        }
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('/') {
            let node = stack.pop().unwrap();
            push(&mut stack, node);
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut fields) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while let Some((key, after)) = fields.trim_start().split_once("='") {
            let (value, left) = after.split_once('\'').unwrap();
            attributes.push((key.to_owned(), value.to_owned()));
            fields = left;
        }
        let node = Node::Element { name: name.into(), attributes, inside: vec![] };
        if is_empty { push(&mut stack, node) } else { stack.push(node) }
    }
    match stack.pop() {
        Some(Node::Element { mut inside, .. }) => inside.remove(0),
        _ => panic!("{text} is no document"),
    }
}

fn write(node: &Node) -> String {
    fn inner(node: &Node, is_root: bool, out: &mut String) {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Element { name, attributes, inside } => {
                out.push_str(&format!("<{name}"));
                if is_root {
                    out.push_str(" xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:t='urn:t' xmlns:xs='http://www.w3.org/2001/XMLSchema'");
                }
                for (key, value) in attributes {
                    out.push_str(&format!(" {key}='{value}'"));
                }
                out.push('>');
                inside.iter().for_each(|node| inner(node, false, out));
                out.push_str(&format!("</{name}>"));
            }
        }
    }
    let mut out = String::new();
    inner(node, true, &mut out);
    out
}
