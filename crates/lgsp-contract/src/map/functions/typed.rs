//! Functions that give a value another type or form: numbers, booleans, dates. Texts as texts are not changed here.

use crate::map::date;
use crate::map::functions::whole;
use crate::map::number as numbers;
use crate::map::plan::{Call, Expr};
use crate::map::reach::{Frame, Got};
use crate::map::run::{Result, Run};
use crate::tree::Tree;

pub(super) fn text<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    Ok(run.text(&call.args[0], frame)?.map_or(Got::Absent, Got::some_text))
}

pub(super) fn number<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let got = run.eval(&call.args[0], frame)?;
    if let Some(Tree::Number(_)) = got.tree() {
        return Ok(got);
    }
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    match numbers::read(&text) {
        Some(number) => Ok(Got::Own(Tree::Number(number))),
        None => Err(run.finding(&call.args[0], frame, "number", "must be a number such as 12 or -0.5".to_owned())),
    }
}

pub(super) fn integer<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    match numbers::read_whole(&text) {
        Some(number) => Ok(Got::Own(Tree::Number(number.into()))),
        None => {
            Err(run.finding(&call.args[0], frame, "integer", "must be a whole number of at most 64 bits".to_owned()))
        }
    }
}

pub(super) fn decimal<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let places = whole(&call.args[1]).unwrap_or_default();
    match numbers::decimal(&text, places) {
        Some(decimal) => Ok(Got::some_text(decimal)),
        None => Err(run.finding(&call.args[0], frame, "decimal", "must be a decimal number such as 12.50".to_owned())),
    }
}

pub(super) fn boolean<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    match &*text {
        "true" | "1" => Ok(Got::bool(true)),
        "false" | "0" => Ok(Got::bool(false)),
        _ => Err(run.finding(&call.args[0], frame, "boolean", "must be true, false, 1 or 0".to_owned())),
    }
}

pub(super) fn date<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let (Expr::ReadDates(from), Expr::WriteDate(to)) = (&call.args[1], &call.args[2]) else { return Ok(Got::Absent) };
    match date::parse(from, &text) {
        Some(time) => Ok(Got::some_text(to.write(time))),
        None => {
            let forms: Vec<&str> = from.iter().map(date::Pattern::as_str).collect();
            let message = format!("must be a real date or time in the form {}", forms.join(" or "));
            Err(run.finding(&call.args[0], frame, "date", message))
        }
    }
}
