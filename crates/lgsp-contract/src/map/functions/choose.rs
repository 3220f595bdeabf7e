//! Functions that choose and that ask: conditions, defaults, what must be there. They make no new texts.

use crate::map::plan::{Call, Comparison, Expr};
use crate::map::reach::{Frame, Got};
use crate::map::run::{Result, Run};
use crate::tree::Tree;

pub(super) fn default<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    if got.is_nothing() { run.eval(&call.args[1], frame) } else { Ok(got) }
}

pub(super) fn required<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    if got.is_nothing() {
        return Err(run.finding(&call.args[0], frame, "required", "must be there".to_owned()));
    }
    Ok(got)
}

pub(super) fn filled<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    Ok(if is_empty(run, &got)? { Got::Absent } else { got })
}

pub(super) fn choose<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    if run.truth(&call.args[0], frame)? {
        return run.eval(&call.args[1], frame);
    }
    call.args.get(2).map_or(Ok(Got::Absent), |otherwise| run.eval(otherwise, frame))
}

pub(super) fn present<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    Ok(Got::bool(!run.eval(&call.args[0], frame)?.is_nothing()))
}

pub(super) fn absent<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    Ok(Got::bool(run.eval(&call.args[0], frame)?.is_nothing()))
}

pub(super) fn empty<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    is_empty(run, &got).map(Got::bool)
}

fn is_empty(run: &mut Run<'_>, got: &Got<'_, '_>) -> Result<bool> {
    Ok(match got.tree() {
        None | Some(Tree::Null) => true,
        Some(Tree::Text(text)) => {
            run.work(text.len())?;
            text.trim_start().is_empty()
        }
        Some(Tree::List(items)) => items.is_empty(),
        Some(Tree::Object(members)) => members.as_slice().is_empty(),
        Some(Tree::Bool(_) | Tree::Number(_)) => false,
    })
}

pub(super) fn one_of<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    for value in &call.args[1..] {
        let value = run.eval(value, frame)?;
        if run.compare(&got, Comparison::Equal, &value)? {
            return Ok(Got::bool(true));
        }
    }
    Ok(Got::bool(false))
}

pub(super) fn matches<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::bool(false)) };
    let Expr::Regex(regex) = &call.args[1] else { return Ok(Got::Absent) };
    // Searching is the slowest thing that is done with a text.
    run.work(text.len().saturating_mul(4))?;
    Ok(Got::bool(regex.is_match(&text)))
}
