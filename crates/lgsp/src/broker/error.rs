//! The errors of OAuth 2 and OpenID Connect, by the names that clients branch on.

use crate::failure::Failure;
use lgsp_model::ErrorCode;

/// An error of RFC 6749 and of what builds on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OAuthError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    AccessDenied,
    TemporarilyUnavailable,
    /// RFC 6750.
    InvalidToken,
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired,
    ConsentRequired,
    RequestNotSupported,
    /// RFC 9126 and RFC 9101.
    InvalidRequestUri,
    /// RFC 8707.
    InvalidTarget,
    /// RFC 9449.
    InvalidDpopProof,
    /// OpenID Connect Core Unmet Authentication Requirements.
    UnmetAuthenticationRequirements,
}

impl OAuthError {
    /// The word in `error`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidToken => "invalid_token",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
        }
    }

    /// The public error that it is in other dialects and on the pages of errors.
    fn code(self) -> ErrorCode {
        match self {
            Self::InvalidClient => ErrorCode::BadCredentials,
            Self::InvalidToken => ErrorCode::Unauthenticated,
            Self::InvalidScope => ErrorCode::InsufficientScope,
            Self::TemporarilyUnavailable => ErrorCode::Overloaded,
            _ => ErrorCode::BadParameter,
        }
    }

    /// The failure of a request that ends so.
    pub(crate) fn because(self, detail: impl Into<String>) -> Failure {
        Failure { oauth: Some(self), ..Failure::new(self.code(), detail) }
    }

    /// The error that a failure is for a client of OAuth.
    pub(crate) fn of(failure: &Failure) -> Self {
        if let Some(error) = failure.oauth {
            return error;
        }
        match failure.code {
            ErrorCode::BadCredentials => Self::InvalidClient,
            ErrorCode::Unauthenticated => Self::InvalidToken,
            ErrorCode::InsufficientScope => Self::InvalidScope,
            code if code.status() < 500 && code.status() != 429 => Self::InvalidRequest,
            _ => Self::TemporarilyUnavailable,
        }
    }
}
