//! VietQR: what npm's and PyPI's `vietnam-qr-pay` write is what we write, and each reads what the others wrote.

use lgsp_connect::{QrService, VietQr, decode_vietqr, encode_vietqr};
use lgsp_model::Dong;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::program::{Program, Software};

/// Texts in one batch.
const TEXTS: usize = 500;

/// Signs of an account's number.
const ACCOUNT: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A transfer by chance.
fn transfer(chance: &mut Chance) -> VietQr {
    let mut some = |signs: &[u8], count: usize| -> String {
        (0..count).map(|_| char::from(signs[chance.below(signs.len())])).collect()
    };
    let bin = some(&ACCOUNT[..10], 6);
    let printable: Vec<u8> = (b' '..=b'~').collect();
    let purpose = some(&printable, 25);
    let account = some(ACCOUNT, 19);
    let account = account[..1 + chance.below(19)].to_owned();
    let digits = u32::try_from(1 + chance.below(10)).unwrap();
    let amount = Dong::new(1 + i64::try_from(chance.next() % 10_u64.pow(digits)).unwrap());
    VietQr {
        bin,
        account,
        service: if chance.below(2) == 0 { QrService::Account } else { QrService::Card },
        once: chance.below(2) == 0,
        amount: amount.filter(|_| chance.below(4) > 0),
        purpose: Some(purpose[..1 + chance.below(25)].to_owned()).filter(|_| chance.below(4) > 0),
    }
}

/// The same as the programs say it.
fn said(qr: &VietQr) -> Value {
    json!({
        "bin": qr.bin, "account": qr.account, "once": qr.once,
        "service": match qr.service { QrService::Account => "QRIBFTTA", QrService::Card => "QRIBFTTC" },
        "amount": qr.amount.map(|amount| amount.to_string()), "purpose": qr.purpose,
    })
}

fn agrees(software: Software) {
    let Some(mut theirs) = Program::start(software) else { return };
    let mut chance = Chance::printed("vietqr");
    let qrs: Vec<VietQr> = (0..TEXTS).map(|_| transfer(&mut chance)).collect();
    let ours: Vec<String> = qrs.iter().map(|qr| encode_vietqr(qr).unwrap()).collect();
    let wanted: Vec<Value> = qrs.iter().map(said).collect();

    let written = theirs.ask("write", json!({"all": wanted}));
    for ((written, ours), qr) in written.as_array().unwrap().iter().zip(&ours).zip(&qrs) {
        assert_eq!(written, ours, "{qr:?}");
        assert_eq!(decode_vietqr(written.as_str().unwrap()).as_ref(), Ok(qr));
    }
    let read = theirs.ask("read", json!({"all": ours}));
    assert_eq!(read.as_array().unwrap(), &wanted);

    let broken: Vec<String> = ours.iter().map(|text| text.replacen("A000000727", "A000000728", 1)).collect();
    let refused = theirs.ask("read", json!({"all": broken}));
    assert_eq!(refused.as_array().unwrap(), &vec![Value::Null; TEXTS], "a wrong checksum");
    assert!(broken.iter().all(|text| decode_vietqr(text).is_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn npms_vietnam_qr_pay_and_we_write_and_read_the_same() {
    agrees(Software::NodeVietQr);
}

#[tokio::test(flavor = "multi_thread")]
async fn pypis_vietnam_qr_pay_and_we_write_and_read_the_same() {
    agrees(Software::PythonVietQr);
}
