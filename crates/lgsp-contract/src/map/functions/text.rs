//! Functions on texts. A text that needs no change is passed on without a copy. Texts are taken letter by letter, never
//! byte by byte.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::map::functions::whole;
use crate::map::plan::{Call, Expr};
use crate::map::reach::{Frame, Got};
use crate::map::run::{Result, Run};
use crate::tree::Tree;

/// The marks that are put on letters: accents, horn, dot, breve.
const MARKS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// The function of one text that `change` is; `None` means that there is nothing to change.
fn change<'r, 'a>(
    run: &mut Run<'a>,
    call: &'a Call,
    frame: &Frame<'r, 'a>,
    change: fn(&str) -> Option<String>,
) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    match change(&text) {
        None => Ok(Got::some_text(text)),
        Some(changed) => {
            run.made(changed.len())?;
            Ok(Got::some_text(changed))
        }
    }
}

pub(super) fn upper<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    change(run, call, frame, |text| {
        let done = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_lowercase());
        (!done).then(|| text.to_uppercase())
    })
}

pub(super) fn lower<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    change(run, call, frame, |text| {
        let done = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
        (!done).then(|| text.to_lowercase())
    })
}

pub(super) fn trim<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    Ok(Got::some_text(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }))
}

pub(super) fn squeeze<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    change(run, call, frame, |text| {
        let mut before = ' ';
        let done = text.chars().all(|c| {
            let fine = !c.is_whitespace() || (c == ' ' && before != ' ');
            before = c;
            fine
        });
        if done && !text.ends_with(' ') {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        Some(out)
    })
}

pub(super) fn nfc<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    change(run, call, frame, |text| {
        let done = text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes;
        (!done).then(|| text.nfc().collect())
    })
}

pub(super) fn unaccent<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    change(run, call, frame, |text| (!text.is_ascii()).then(|| without_marks(text)))
}

fn without_marks(text: &str) -> String {
    let plain = text.nfd().filter(|c| !MARKS.contains(c)).map(|c| match c {
        'đ' => 'd',
        'Đ' => 'D',
        other => other,
    });
    plain.nfc().collect()
}

pub(super) fn concat<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let mut out = String::new();
    let (mut asked, mut found) = (false, false);
    for arg in &call.args {
        let text = run.text(arg, frame)?;
        if !matches!(arg, Expr::Literal(_)) {
            asked = true;
            found |= text.is_some();
        }
        if let Some(text) = text {
            run.made(out.len() + text.len())?;
            out.push_str(&text);
        }
    }
    Ok(if asked && !found { Got::Absent } else { Got::some_text(out) })
}

pub(super) fn substring<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let (start, length) = (whole(&call.args[1]).unwrap_or_default(), whole(&call.args[2]).unwrap_or_default());
    let at = |text: &str, letters: usize| text.char_indices().nth(letters).map_or(text.len(), |(at, _)| at);
    let from = at(&text, start);
    let to = from + at(&text[from..], length);
    Ok(Got::some_text(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[from..to]),
        Cow::Owned(text) => Cow::Owned(text[from..to].to_owned()),
    }))
}

pub(super) fn replace<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let (this, by) = (fixed(&call.args[1]), fixed(&call.args[2]));
    let found = if this.is_empty() { 0 } else { text.matches(this).count() };
    if found == 0 {
        return Ok(Got::some_text(text));
    }
    run.made(text.len() - found * this.len() + found * by.len())?;
    Ok(Got::some_text(text.replace(this, by)))
}

pub(super) fn pad_left<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    let fill = fixed(&call.args[2]).chars().next().unwrap_or(' ');
    let missing = whole(&call.args[1]).unwrap_or_default().saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(Got::some_text(text));
    }
    run.made(missing * fill.len_utf8() + text.len())?;
    let mut out: String = std::iter::repeat_n(fill, missing).collect();
    out.push_str(&text);
    Ok(Got::some_text(out))
}

pub(super) fn length<'r, 'a>(run: &mut Run<'a>, call: &'a Call, frame: &Frame<'r, 'a>) -> Result<Got<'r, 'a>> {
    let Some(text) = run.text(&call.args[0], frame)? else { return Ok(Got::Absent) };
    Ok(Got::Own(Tree::Number(text.chars().count().into())))
}

/// The text of an argument that stands in the map.
pub(super) fn fixed(arg: &Expr) -> &str {
    arg.literal_text().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_letters_lose_their_marks_composed_or_not() {
        let all = "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ";
        let plain = "aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd";
        for text in [all.to_owned(), all.nfd().collect()] {
            assert_eq!(without_marks(&text), plain);
            assert_eq!(without_marks(&text.to_uppercase()), plain.to_uppercase());
        }
        assert_eq!(without_marks("한국 ñ 中"), "한국 n 中");
    }

    #[test]
    fn capital_letters_of_vietnamese_are_right() {
        assert_eq!("nguyễn đức ượng ỹ".to_uppercase(), "NGUYỄN ĐỨC ƯỢNG Ỹ");
        assert_eq!("NGUYỄN ĐỨC ƯỢNG Ỹ".to_lowercase(), "nguyễn đức ượng ỹ");
    }
}
