//! The portal's answers in their unstable forms: codes as number or text, messages as text, object or JSON in text.
//!
//! It does not decide what the answer is.

use serde_json::{Value, json};

use super::PortalSettings;
use crate::faults::{CodeForm, MessageForm, Struck};

/// What the portal says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Session { session: String },
    Done { message: String, result: Value },
    Refused { code: &'static str, message: String },
}

/// The body and whether it is JSON.
pub(crate) struct Rendered {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
}

impl Reply {
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    pub(crate) fn done(message: &str, result: Value) -> Self {
        Self::Done { message: message.to_owned(), result }
    }

    pub(crate) fn render(self, settings: &PortalSettings, struck: &Struck) -> Rendered {
        let code_form = struck.code_form.unwrap_or(settings.code_form);
        let message_form = struck.message_form.unwrap_or(settings.message_form);
        match self {
            // The login is the one answer whose code every client reads as the number 0.
            Self::Session { session } => {
                json_body(&json!({"error_code": 0, "session": session, "message": "Đăng nhập thành công"}))
            }
            Self::Refused { code, message } => json_body(&json!({"error_code": code, "message": message})),
            Self::Done { message, result } => match code_form {
                CodeForm::OnlyText if result.as_array().is_some_and(Vec::is_empty) => {
                    Rendered { body: message.into_bytes(), content_type: "text/plain; charset=utf-8" }
                }
                CodeForm::OnlyText => success(None, message, result, message_form),
                CodeForm::Integer => success(Some(json!(0)), message, result, message_form),
                CodeForm::Text => success(Some(json!("0")), message, result, message_form),
                CodeForm::DoubleZero => success(Some(json!("00")), message, result, message_form),
            },
        }
    }
}

fn success(code: Option<Value>, message: String, result: Value, form: MessageForm) -> Rendered {
    let mut body = serde_json::Map::new();
    if let Some(code) = code {
        body.insert("error_code".into(), code);
    }
    match form {
        MessageForm::Text => {
            body.insert("message".into(), message.into());
            body.insert("result".into(), result);
        }
        MessageForm::Object => {
            body.insert("message".into(), json!({"code": "0", "description": message}));
            body.insert("result".into(), result);
        }
        MessageForm::JsonInText => {
            let inner = json!({"message": message, "result": result});
            body.insert("message".into(), inner.to_string().into());
        }
    }
    json_body(&Value::Object(body))
}

fn json_body(body: &Value) -> Rendered {
    Rendered { body: body.to_string().into_bytes(), content_type: "application/json; charset=utf-8" }
}
