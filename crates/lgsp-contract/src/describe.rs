//! What a vendor generates a client from: an OpenAPI document for callers who speak JSON, a WSDL for those who speak SOAP.
//! Both are made from the contract and say nothing of the upstream.

mod openapi;
mod types;
mod wsdl;

pub use openapi::openapi;
pub use wsdl::wsdl;
