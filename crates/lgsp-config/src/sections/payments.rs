//! `[payments]`, `[[payment_provider]]`, `[[payee]]` and `member.payments`.

use std::time::Duration;

use lgsp_model::AgencyGrant;

use super::members::{Seen, agencies, name};
use super::sign_in::{provider_id, uris};
use super::{DAY, MINUTE};
use crate::document::{Leaf, Section};
use crate::error::Problem;
use crate::payments::{MemberPayments, Payee, PaymentProvider, Payments};
use crate::read::{self, count, text, time};

/// Half an hour is what citizens need at a counter or at home; a week what a letter needs.
const EXPIRY: Duration = Duration::from_secs(30 * 60);
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// So many questions at once are no burden to a provider, and answer a thousand open payments in a minute.
const ASKING: u32 = 8;

/// The longest account number of the field's banks, with room.
const MOST_ACCOUNT: usize = 34;

/// `issuer` is where the gateway is reached when the table does not say.
pub(super) fn payments(s: &mut Section<'_>, issuer: Option<&str>) -> Option<Payments> {
    let url = s.or("url", issuer.unwrap_or_default().to_owned(), |leaf| {
        let url = text(leaf)?;
        let good = url.starts_with("https://") || url.starts_with("http://");
        if good { Ok(url) } else { Err(Problem::Expected("an address that begins with https://")) }
    });
    let payments = Payments {
        url: url.trim_end_matches('/').to_owned(),
        expiry: s.or("expiry", EXPIRY, time(5 * MINUTE..=30 * DAY)),
        longest: s.or("longest", LONGEST, time(5 * MINUTE..=30 * DAY)),
        asking: s.or("asking", ASKING, count(1..=64)),
    };
    if payments.longest < payments.expiry {
        s.report("longest", Problem::Conflict("less than expiry; make it at least as long"));
    }
    issuer.is_some().then_some(payments)
}

/// Every provider; `None` when one of them is bad.
pub(super) fn providers(root: &mut Section<'_>) -> Option<Vec<PaymentProvider>> {
    let mut ids = Seen::default();
    let providers = root.sections("payment_provider", |s| {
        let provider = provider(s)?;
        ids.note(s, "id", provider.id.as_str());
        Some(provider)
    });
    providers.into_iter().collect()
}

fn provider(s: &mut Section<'_>) -> Option<PaymentProvider> {
    let id = s.required("id", "id = \"vnpay\"", provider_id);
    let kind = s.required("kind", "kind = \"vnpay\"", text);
    let vi = s.required("name", "name = \"VNPAY\"", name);
    let en = s.optional("name_en", name).or_else(|| (!s.has("name_en")).then(|| vi.clone()).flatten());
    let agencies = agencies(s).or_else(|| (!s.has("agencies")).then_some(AgencyGrant::All));
    let day_file = s.optional("day_file", read::settings);
    let day_file = if s.has("day_file") { day_file } else { Some(Default::default()) };
    let settings = s.optional("settings", read::settings);
    let settings = if s.has("settings") { settings } else { Some(Default::default()) };
    Some(PaymentProvider {
        id: id?,
        kind: kind?,
        name: vi?,
        name_en: en?,
        agencies: agencies?,
        day_file: day_file?,
        settings: settings?,
    })
}

/// Every account; `None` when one of them is bad. `known` are the providers, unless one of them is bad.
pub(super) fn payees(root: &mut Section<'_>, known: Option<&[PaymentProvider]>) -> Option<Vec<Payee>> {
    let mut ids = Seen::default();
    let payees = root.sections("payee", |s| {
        let payee = payee(s, known)?;
        ids.note(s, "id", payee.id.as_str());
        Some(payee)
    });
    payees.into_iter().collect()
}

fn payee(s: &mut Section<'_>, known: Option<&[PaymentProvider]>) -> Option<Payee> {
    let id = s.required("id", "id = \"kho-bac-h11\"", provider_id);
    let agency = s.required("agency", "agency = \"H11\"", |leaf| text(leaf)?.parse().map_err(Problem::Agency));
    let agency_name = s.required("agency_name", "agency_name = \"UBND tỉnh Điện Biên\"", name);
    let account = s.required("account", "account = \"3511.0.1062334\"", account);
    let bank = s.required("bank", "bank = \"01201001\"", account_part);
    let bank_bin = s.or("bank_bin", String::new(), |leaf| {
        let bin = text(leaf)?;
        let good = bin.len() == 6 && bin.bytes().all(|b| b.is_ascii_digit());
        if good { Ok(bin) } else { Err(Problem::Expected("the bank's six digits at NAPAS")) }
    });
    let holder = s.required("name", "name = \"Kho bạc Nhà nước Điện Biên\"", name);
    let treasury = s.or("treasury", String::new(), name);
    let is_known = |id: &crate::ProviderId| known.is_none_or(|known| known.iter().any(|provider| provider.id == *id));
    let providers = s.list("providers", |leaf| {
        let expected = Problem::Expected("the id of a [[payment_provider]] of this file");
        provider_id(leaf).and_then(|id| if is_known(&id) { Ok(id) } else { Err(expected) })
    });
    if s.has("providers") && providers.is_none() {
        return None;
    }
    Some(Payee {
        id: id?,
        agency: agency?,
        agency_name: agency_name?,
        account: account?,
        bank: bank?,
        bank_bin,
        name: holder?,
        treasury,
        providers,
    })
}

fn account(leaf: &Leaf<'_>) -> Result<String, Problem> {
    let account = text(leaf)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let good = account.len() <= MOST_ACCOUNT && account.bytes().all(allowed);
    if good { Ok(account) } else { Err(Problem::Expected("an account number: at most 34 letters, digits . -")) }
}

fn account_part(leaf: &Leaf<'_>) -> Result<String, Problem> {
    account(leaf).map_err(|_| Problem::Expected("a bank's code: at most 34 letters, digits . -"))
}

/// `member.payments`.
pub(super) fn member(s: &mut Section<'_>) -> Option<MemberPayments> {
    let return_urls = uris(s, "return_urls").or_else(|| (!s.has("return_urls")).then(Vec::new));
    Some(MemberPayments { return_urls: return_urls? })
}
