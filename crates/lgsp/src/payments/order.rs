//! From a record to what a provider is told: the same values at every call about one payment.

use std::net::{IpAddr, Ipv4Addr};

use lgsp_config::{Config, Payee as Account};
use lgsp_connect::{Bill, Fee, Order, Payee, Payer};
use lgsp_model::{Dong, DossierCode, Timestamp};

use super::record::Record;

/// The order of a record at a provider.
pub(crate) fn order(config: &Config, record: &Record, provider: &str) -> Order {
    let base = &config.payments.url;
    let account = config.payees.iter().find(|payee| payee.id.as_str() == record.payee);
    let agency = record.dossier.parse::<DossierCode>().map(|code| code.agency().to_string()).unwrap_or_default();
    let fees = record.fees.iter().map(|fee| Fee {
        kind: fee.kind.parse().expect("it was checked when it was asked for"),
        code: fee.code.clone(),
        name: fee.name.clone(),
        amount: Dong::new(fee.amount).unwrap_or_default(),
    });
    Order {
        id: record.id(),
        amount: record.payment().amount,
        description: record.description.clone(),
        opened_at: record.opened_at.unwrap_or(record.created_at),
        expires_at: record.expires_at,
        return_url: format!("{base}/pay/{}/return", record.id),
        callback_url: format!("{base}/payments/{provider}/callback"),
        address: record.payer_address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        bill: Bill {
            dossier: record.dossier.clone(),
            procedure: record.procedure.clone(),
            procedure_name: record.procedure_name.clone(),
            agency,
            agency_name: account.map(|account| account.agency_name.clone()).unwrap_or_default(),
            fees: fees.collect(),
            payee: account.map(payee).unwrap_or_default(),
            payer: Payer {
                name: record.payer.name.clone(),
                identity: record.payer.identity.clone(),
                address: record.payer.address.clone(),
                district: record.payer.district.clone(),
                province: record.payer.province.clone(),
            },
        },
    }
}

/// Providers write times to the second; what they are told must be the same at every call.
pub(crate) fn to_the_second(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0.rem_euclid(1000))
}

fn payee(account: &Account) -> Payee {
    Payee {
        account: account.account.clone(),
        bank: account.bank.clone(),
        bank_bin: account.bank_bin.clone(),
        name: account.name.clone(),
        treasury: account.treasury.clone(),
    }
}
