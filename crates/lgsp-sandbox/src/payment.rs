//! Simulated payment providers with a page to pay on: VNPAY, MoMo, ZaloPay, KeyPay, PayGov and the national platform.
//!
//! No money moves. Written from the providers' public descriptions and from what callers of them do, not from the gateway. One file each,
//! over shared pieces; keys are the providers' published demonstration keys, or values that every sandbox has.

mod act;
mod bill;
mod book;
mod callback;
mod clock;
mod day;
mod desk;
mod keypay;
mod momo;
mod national;
mod page;
mod paygov;
mod rules;
mod settings;
mod sign;
mod vnpay;
mod zalopay;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;

pub use act::{Act, ActRefused};
pub use book::{OrderState, PaymentOrder, PaymentRefund, RefundState};
pub use callback::{AttemptOutcome, CallbackAttempt};
pub use day::{DAY_FILE_HEAD, DayRow, DayRowKind, SyntheticDay};
pub use desk::{Desk, Kind, Totals};
pub use keypay::{KEYPAY_CLIENT_ID, KEYPAY_HASH_KEY_1, KEYPAY_HASH_KEY_2, Keypay, KeypayPartner};
pub use momo::{MOMO_ACCESS_KEY, MOMO_PARTNER_CODE, MOMO_SECRET_KEY, Momo, MomoPartner};
pub use national::{NATIONAL_PARTNER, NATIONAL_SECRET, National, NationalPartner};
pub use paygov::{PAYGOV_ACCESS_KEY, PAYGOV_PARTNER_CODE, PAYGOV_SECRET_KEY, Paygov, PaygovPartner};
pub use rules::Rules;
pub use settings::{BillForm, PaymentSettings, RefundConduct};
pub use vnpay::{VNPAY_HASH_SECRET, VNPAY_TMN_CODE, Vnpay, VnpayPartner};
pub use zalopay::{ZALOPAY_APP_ID, ZALOPAY_KEY1, ZALOPAY_KEY2, Zalopay, ZalopayPartner};

use crate::answer::Answer;
use crate::call::Query;
use crate::partner::{Partner, received, taken};
use crate::scripted::{Body, Cut};

/// The simulated payment providers.
#[derive(Clone, Debug, Default)]
pub struct Payments {
    /// VNPAY, at `/pay-sandbox/vnpay`.
    pub vnpay: VnpayPartner,
    /// MoMo, at `/pay-sandbox/momo`.
    pub momo: MomoPartner,
    /// ZaloPay, at `/pay-sandbox/zalopay`.
    pub zalopay: ZalopayPartner,
    /// KeyPay-DVCQG, at `/pay-sandbox/keypay`.
    pub keypay: KeypayPartner,
    /// PayGov, at `/pay-sandbox/paygov`.
    pub paygov: PaygovPartner,
    /// The national payment platform, at `/pay-sandbox/national`, wrapped as by an LGSP at `/pay-sandbox/national/lgsp`.
    pub national: NationalPartner,
}

impl Payments {
    /// Registers a gateway that has the providers under the names `vnpay`, `keypay`, `paygov` and `national`: where they call it back, and
    /// where the national portal asks. MoMo and ZaloPay are told with every order. `public` is its address, such as
    /// `http://127.0.0.1:8080`.
    pub fn register(&self, public: &str) {
        let public = public.trim_end_matches('/');
        let callback = |provider: &str| format!("{public}/payments/{provider}/callback");
        self.vnpay.set_callback_url(&callback("vnpay"));
        self.keypay.set_callback_url(&callback("keypay"));
        self.paygov.set_callback_url(&callback("paygov"));
        self.national.set_callback_url(&callback("national"));
        self.national
            .change_settings(|settings| settings.lookup_url = Some(format!("{public}/payments/national/lookup")));
    }
}

/// The day that a moment in milliseconds since 1970 belongs to in Vietnam, such as 20261122.
pub fn vietnamese_day(ms: u64) -> u32 {
    clock::day(ms)
}

/// Answers a call below `/pay-sandbox`; `path` is what stands there.
pub(crate) async fn answer(payments: &Payments, path: &str, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let (name, below) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
    match name {
        "vnpay" => exchange(&payments.vnpay, below, request).await,
        "momo" => exchange(&payments.momo, below, request).await,
        "zalopay" => exchange(&payments.zalopay, below, request).await,
        "keypay" => exchange(&payments.keypay, below, request).await,
        "paygov" => exchange(&payments.paygov, below, request).await,
        "national" => exchange(&payments.national, below, request).await,
        _ => {
            Ok(Answer::text(StatusCode::NOT_FOUND, "vnpay, momo, zalopay, keypay, paygov, national\n").into_response())
        }
    }
}

/// Answers one call of one provider, and does what it leads to: before the answer what the browser has to wait for, the rest beside.
async fn exchange<K: Kind>(
    partner: &Partner<Desk<K>>,
    path: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let call = match received(path, request).await {
        Ok(call) => call,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let (taken, errands) = taken(partner, &call, |inside| std::mem::take(&mut inside.own.book.errands));
    callback::run(partner.clone(), errands).await;
    taken.deliver().await
}

/// The commands under `/sandbox/` that have to wait for somebody else; `None` when it is none of them.
pub(crate) async fn command(
    payments: &Payments,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Option<Result<Value, (StatusCode, String)>> {
    let (provider, what) = path.split_once('/').filter(|_| method == Method::POST)?;
    let done = match (provider, what) {
        ("payment-vnpay", "act") => payments.vnpay.command_act(body).await,
        ("payment-momo", "act") => payments.momo.command_act(body).await,
        ("payment-zalopay", "act") => payments.zalopay.command_act(body).await,
        ("payment-keypay", "act") => payments.keypay.command_act(body).await,
        ("payment-paygov", "act") => payments.paygov.command_act(body).await,
        ("payment-national", "act") => payments.national.command_act(body).await,
        ("payment-national", "pull") => payments.national.command_pull(body).await,
        _ => return None,
    };
    Some(done.map_err(|message| (StatusCode::BAD_REQUEST, message)))
}

/// `GET /sandbox/<provider>/day-file?day=20261122` as CSV; `None` when the path is another.
pub(crate) fn day_file(payments: &Payments, method: &Method, path: &str, query: &str) -> Option<Answer> {
    let provider = path.strip_suffix("/day-file").filter(|_| method == Method::GET)?;
    let day = Query::parse(query).number("day").and_then(|day| u32::try_from(day).ok());
    let day = day.unwrap_or_else(|| clock::day(clock::now_ms()));
    let file = match provider {
        "payment-vnpay" => payments.vnpay.day_file(day),
        "payment-momo" => payments.momo.day_file(day),
        "payment-zalopay" => payments.zalopay.day_file(day),
        "payment-keypay" => payments.keypay.day_file(day),
        "payment-paygov" => payments.paygov.day_file(day),
        "payment-national" => payments.national.day_file(day),
        _ => return None,
    };
    Some(Answer::of(StatusCode::OK, "text/csv; charset=utf-8", file))
}
