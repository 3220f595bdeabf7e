//! Functions on lists. A single value is a list of one; an absent one stays absent, except where its count is asked.

use crate::map::functions::text::fixed;
use crate::map::functions::whole;
use crate::map::number;
use crate::map::plan::Call;
use crate::map::reach::{Frame, Got};
use crate::map::run::{Result, Run};
use crate::tree::Tree;

pub(super) fn list<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let mut items = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        let got = run.eval(arg, frame)?;
        if got.is_nothing() {
            continue;
        }
        match got {
            Got::Own(tree) => items.push(tree),
            Got::At(reached) => items.push(run.copy(reached)?),
            Got::Absent => {}
        }
    }
    Ok(if items.is_empty() { Got::Absent } else { Got::Own(Tree::List(items)) })
}

pub(super) fn split<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let separator = fixed(&call.args[1]);
    if separator.is_empty() {
        return Ok(Got::Own(Tree::List(vec![Tree::Text(text)])));
    }
    run.step(text.matches(separator).count() as u64)?;
    let items = match text {
        std::borrow::Cow::Borrowed(text) => text.split(separator).map(|part| Tree::Text(part.into())).collect(),
        std::borrow::Cow::Owned(text) => text.split(separator).map(|part| Tree::Text(part.to_owned().into())).collect(),
    };
    Ok(Got::Own(Tree::List(items)))
}

pub(super) fn join<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    let separator = fixed(&call.args[1]);
    let (mut out, mut any) = (String::new(), false);
    for entry in entries(&got) {
        run.step(1)?;
        let (number, text);
        let part = match entry {
            Tree::Null => continue,
            Tree::Text(text) => text,
            Tree::Number(value) => {
                number = value.to_string();
                &*number
            }
            Tree::Bool(value) => {
                text = if *value { "true" } else { "false" };
                text
            }
            Tree::List(_) | Tree::Object(_) => {
                let message = "every entry must be a single value".to_owned();
                return Err(run.finding(&call.args[0], frame, "type", message));
            }
        };
        run.made(out.len() + separator.len() + part.len())?;
        if any {
            out.push_str(separator);
        }
        out.push_str(part);
        any = true;
    }
    Ok(if any { Got::some_text(out) } else { Got::Absent })
}

pub(super) fn first<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    pick(run, call, frame, |_| 0)
}

pub(super) fn last<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    pick(run, call, frame, |count| count.saturating_sub(1))
}

pub(super) fn item<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let index = whole(&call.args[1]).unwrap_or_default();
    pick(run, call, frame, |_| index)
}

fn pick<'r, 'a>(
    run: &mut Run<'a>,
    call: &'a Call,
    frame: &Frame<'r, 'a>,
    index: impl Fn(usize) -> usize,
) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    let index = index(entries(&got).len());
    Ok(match got {
        Got::Absent => Got::Absent,
        Got::At(reached) => reached.entry(index).map_or(Got::Absent, Got::At),
        Got::Own(Tree::List(mut items)) => {
            if index < items.len() {
                Got::Own(items.swap_remove(index))
            } else {
                Got::Absent
            }
        }
        Got::Own(single) => {
            if index == 0 {
                Got::Own(single)
            } else {
                Got::Absent
            }
        }
    })
}

pub(super) fn count<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    let count = if got.is_nothing() { 0 } else { entries(&got).len() };
    Ok(Got::Own(Tree::Number(count.into())))
}

pub(super) fn sum<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    if got.is_nothing() {
        return Ok(Got::Absent);
    }
    let mut sum: i64 = 0;
    for entry in entries(&got) {
        run.step(1)?;
        let added = match entry {
            Tree::Null => Some(0),
            Tree::Text(text) => number::read_whole(text),
            Tree::Number(number) => number::read_whole(&number.to_string()),
            Tree::Bool(_) | Tree::List(_) | Tree::Object(_) => None,
        };
        sum = added.and_then(|added| sum.checked_add(added)).ok_or_else(|| {
            let message = "every entry must be a whole number, and the sum must fit 64 bits".to_owned();
            run.finding(&call.args[0], frame, "integer", message)
        })?;
    }
    Ok(Got::Own(Tree::Number(sum.into())))
}

/// The entries of what was got; a single value is one entry.
fn entries<'g, 'a>(got: &'g Got<'_, 'a>) -> &'g [Tree<'a>] {
    match got.tree() {
        None => &[],
        Some(Tree::List(items)) => items,
        Some(single) => std::slice::from_ref(single),
    }
}
