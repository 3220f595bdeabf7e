//! The portal's replies in all their forms, read into one: a code, a text, a result.
//!
//! It says what a reply means; what to do about it is decided by whoever asked.

use serde_json::Value;

use super::words::{fold, says_absent, says_busy, says_exists, says_session, says_success};

/// Levels of a `message` that are searched for text; the portal was seen to use two.
const MESSAGE_DEPTH: usize = 4;

/// A reply whose form was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// `0` for `0`, `"0"` and `"00"`; other codes trimmed; `None` when there was none.
    pub code: Option<String>,
    /// Everything that `message` says, as it was written.
    pub text: String,
    /// `text` as it may be kept in a cause.
    pub words: String,
    /// `result`, from inside `message` when it stands there.
    pub result: Option<Value>,
    /// `session`, in the reply to a login.
    pub session: Option<String>,
}

/// What a reply to a push means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Taken: the code is 0 and the text says so.
    Done,
    /// A record was to be created and is there.
    Exists,
    /// A record was to be changed and is not there.
    Absent,
    /// Nothing was done: the session is not good.
    SessionLost,
    /// Nothing was done: come back later.
    Busy,
    /// Looked at and refused.
    Refused,
    /// Code and text do not go together: nobody can tell.
    Unclear,
}

impl Reply {
    /// Reads a body: JSON in any of the seen forms, or plain text.
    pub(crate) fn read(body: &[u8]) -> Self {
        let mut reply = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) => reply.take_fields(fields, 0),
            Ok(Value::String(text)) => reply.take_message(Value::String(text), 0),
            Ok(_) => {}
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                // A page of a proxy is no answer of the portal.
                if !text.trim_start().starts_with('<') {
                    reply.text = text.into_owned();
                }
            }
        }
        reply
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.code.as_deref() == Some("0")
    }

    /// Some portals leave the code out of a success; then the text decides.
    pub(crate) fn may_be_zero(&self) -> bool {
        self.code.as_deref().is_none_or(|code| code == "0")
    }

    pub(crate) fn folded(&self) -> String {
        fold(&self.text)
    }

    /// What the reply says about a push.
    pub(crate) fn meaning(&self) -> Meaning {
        let text = self.folded();
        let zero = self.may_be_zero();
        match () {
            () if says_exists(&text) => Meaning::Exists,
            () if zero && says_success(&text) => Meaning::Done,
            () if says_absent(&text) => Meaning::Absent,
            () if zero => Meaning::Unclear,
            () if says_session(&text) => Meaning::SessionLost,
            () if says_busy(&text) => Meaning::Busy,
            () => Meaning::Refused,
        }
    }

    /// Whether nothing was done because the session is not good.
    pub(crate) fn lost_session(&self) -> bool {
        self.meaning() == Meaning::SessionLost
    }

    /// The rows of a look-up: `result`, or `data` inside it. `None` when the reply has no rows at all.
    pub(crate) fn rows(&self) -> Option<Vec<&Value>> {
        match self.result.as_ref()? {
            Value::Array(rows) => Some(rows.iter().collect()),
            Value::Object(fields) => match fields.get("data") {
                Some(Value::Array(rows)) => Some(rows.iter().collect()),
                Some(_) | None => Some(vec![self.result.as_ref()?]),
            },
            Value::Null => Some(Vec::new()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }

    fn take_fields(&mut self, mut fields: serde_json::Map<String, Value>, depth: usize) {
        let code = fields.remove("error_code").or_else(|| fields.remove("errorCode")).and_then(|code| normal(&code));
        self.code = self.code.take().or(code);
        if let Some(result) = fields.remove("result") {
            self.result = Some(result);
        }
        if let Some(Value::String(session)) = fields.remove("session") {
            self.session = Some(session);
        }
        match fields.remove("message") {
            Some(message) => self.take_message(message, depth),
            // An object below `message` has its sentence under a name of its own.
            None if depth > 0 => fields.into_iter().for_each(|(_, value)| self.take_text(value)),
            None => {}
        }
    }

    fn take_message(&mut self, message: Value, depth: usize) {
        match message {
            Value::Object(fields) if depth < MESSAGE_DEPTH => self.take_fields(fields, depth + 1),
            Value::Array(items) if depth < MESSAGE_DEPTH => {
                items.into_iter().for_each(|item| self.take_message(item, depth + 1));
            }
            Value::String(text) if depth < MESSAGE_DEPTH && text.trim_start().starts_with(['{', '[']) => {
                match serde_json::from_str(&text) {
                    Ok(inner) => self.take_message(inner, depth + 1),
                    Err(_) => self.take_text(Value::String(text)),
                }
            }
            other => self.take_text(other),
        }
    }

    fn take_text(&mut self, value: Value) {
        if let Value::String(text) = value {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(&text);
        }
    }
}

/// `0`, `"0"`, `"00"` and `0.0` are the same; so are `3` and `"3"`.
fn normal(code: &Value) -> Option<String> {
    let text = match code {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let zero = !text.is_empty() && text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if zero { Some("0".to_owned()) } else { Some(text).filter(|text| !text.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replies_of_every_form_mean_what_they_say() {
        for (body, meaning) in [
            (r#"{"error_code":0,"message":"Đồng bộ thành công"}"#, Meaning::Done),
            (r#"{"error_code":"0","message":"Đồng bộ THÀNH CÔNG","result":[]}"#, Meaning::Done),
            (r#"{"error_code":"00","message":"thành công"}"#, Meaning::Done),
            (r#"{"error_code":"0","message":{"code":"0","description":"Cập nhật thành công"}}"#, Meaning::Done),
            (r#"{"error_code":"0","message":"{\"message\":\"thành công\",\"result\":[1]}"}"#, Meaning::Done),
            (r#"{"message":"Cập nhật tiến độ thành công"}"#, Meaning::Done),
            ("Cập nhật tiến độ hồ sơ thành công", Meaning::Done),
            (r#"{"error_code":0,"message":""}"#, Meaning::Unclear),
            (r#"{"error_code":0}"#, Meaning::Unclear),
            (r#"{"error_code":"0","message":"Có lỗi xảy ra, vui lòng thử lại sau"}"#, Meaning::Unclear),
            ("<html>Thành công</html>", Meaning::Unclear),
            ("", Meaning::Unclear),
            ("[]", Meaning::Unclear),
            (r#"{"error_code":"-1","message":"Hồ sơ H1 đã tồn tại"}"#, Meaning::Exists),
            (r#"{"error_code":"-1","message":"{\"message\":\"đã tồn tại\"}"}"#, Meaning::Exists),
            (r#"{"error_code":"3","message":"Hồ sơ không tồn tại"}"#, Meaning::Absent),
            (r#"{"error_code":"-1","message":"Session đã hết hạn"}"#, Meaning::SessionLost),
            (r#"{"error_code":-99,"message":"Hệ thống quá tải"}"#, Meaning::Busy),
            (r#"{"error_code":"-3","message":"MaTTHC không hợp lệ"}"#, Meaning::Refused),
            (r#"{"error_code":3,"message":"Đồng bộ thành công"}"#, Meaning::Refused),
        ] {
            assert_eq!(Reply::read(body.as_bytes()).meaning(), meaning, "{body}");
        }
    }

    #[test]
    fn rows_are_found_in_every_place() {
        for body in [
            r#"{"error_code":"0","message":"x","result":[{"MAHOSO":"a"}]}"#,
            r#"{"error_code":"0","message":"x","result":{"data":[{"MAHOSO":"a"}]}}"#,
            r#"{"error_code":"0","message":"x","result":{"MAHOSO":"a"}}"#,
            r#"{"error_code":"0","message":"{\"result\":[{\"MAHOSO\":\"a\"}]}"}"#,
        ] {
            let reply = Reply::read(body.as_bytes());
            assert_eq!(reply.rows().map(|rows| rows.len()), Some(1), "{body}");
        }
        assert!(Reply::read(br#"{"error_code":"0","message":"x"}"#).rows().is_none());
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_reader(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Reply::read(&body).meaning();
        }

        #[test]
        fn a_code_other_than_zero_is_never_success(code in "-?[1-9][0-9]{0,3}", text in ".{0,40}") {
            let body = serde_json::json!({"error_code": code, "message": format!("{text} thành công")}).to_string();
            prop_assert_ne!(Reply::read(body.as_bytes()).meaning(), Meaning::Done);
        }
    }
}
