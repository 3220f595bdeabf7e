//! Why a contract did not let a message pass → the failure that the caller gets.

use lgsp_contract::Refusal;
use lgsp_model::ErrorCode;

use crate::failure::Failure;

pub(super) fn failure_of(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::MediaType { spoken } => {
            let spoken: Vec<_> = spoken.into_iter().map(lgsp_contract::Dialogue::media_types).collect();
            let detail = format!("this service takes {}", spoken.join(", "));
            Failure::new(ErrorCode::UnsupportedMediaType, detail)
        }
        Refusal::Json(error) => Failure::new(ErrorCode::MalformedJson, error.to_string()),
        Refusal::Xml(error) => Failure::new(ErrorCode::MalformedXml, error.to_string()),
        Refusal::Soap { what, blame } => Failure { blame: Some(blame), ..Failure::new(ErrorCode::MalformedXml, what) },
        Refusal::Violates(findings) => Failure::findings(findings),
        Refusal::TooCostly => Failure::new(ErrorCode::TooLarge, "mapping the message costs more than one message may"),
        Refusal::Unwritable(finding) => Failure::findings(vec![finding]),
        Refusal::Answer { findings, why } => Failure {
            findings,
            ..Failure::new(ErrorCode::UpstreamBroken, format!("the partner's answer cannot be passed on: {why}"))
        },
        Refusal::Fault(fault) => {
            let detail = format!("the partner answered with status {} and a fault", fault.upstream_status);
            Failure { fault: Some(Box::new(fault)), ..Failure::new(ErrorCode::UpstreamFault, detail) }
        }
    }
}
