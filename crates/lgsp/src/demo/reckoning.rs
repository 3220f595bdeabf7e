//! The day's money in the end: what the gateway says that came, what came of reconciling it with the providers' day files,
//! and what the providers' own books say.

use std::collections::BTreeSet;
use std::fmt;

use lgsp_sandbox::payment::{Payments, Totals, vietnamese_day};
use reqwest::StatusCode;
use serde_json::Value;

use super::DemoTarget;
use super::client::ClientError;
use super::fees::Provider;
use super::till::Ended;

/// What came out of the fees.
#[derive(Clone, Debug, Default)]
pub struct FeeSummary {
    /// Payments that were asked for.
    pub asked: u64,
    /// Those for which money came, whatever became of it.
    pub paid: u64,
    /// Those that failed at the provider.
    pub failed: u64,
    /// Those that nobody waited for any more.
    pub given_up: u64,
    /// Those of which money went back.
    pub refunded: u64,
    /// Those that are flagged, because their fee was paid before.
    pub paid_twice: u64,
    /// Each provider's money.
    pub takings: Vec<Takings>,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// Money at one provider, in đồng.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takings {
    /// Where.
    pub provider: Provider,
    /// What came, as the gateway says.
    pub received: i64,
    /// Of this what went back, as the gateway says.
    pub refunded: i64,
    /// What the provider's own books say that it has for us.
    pub book: i64,
    /// Lines of the provider's day files.
    pub lines: u64,
    /// Lines that differ from the gateway's ledger.
    pub differing: u64,
    /// The files less the ledger.
    pub difference: i64,
}

impl Takings {
    /// The provider's books less what the gateway says.
    pub const fn off(&self) -> i64 {
        self.book - (self.received - self.refunded)
    }

    fn is_equal(&self) -> bool {
        self.off() == 0 && self.differing == 0 && self.difference == 0
    }
}

impl FeeSummary {
    /// Whether every payment has the end that it should, and no đồng is missing anywhere.
    pub fn all_equal(&self) -> bool {
        self.problems.is_empty() && self.takings.iter().all(Takings::is_equal)
    }

    /// Đồng by which the providers' books and day files differ from the gateway, over and under added up.
    pub fn difference(&self) -> i64 {
        self.takings.iter().map(|one| one.off().abs().max(one.difference.abs())).sum()
    }

    fn of(ended: &[Ended]) -> Self {
        let count = |is: &dyn Fn(&Ended) -> bool| ended.iter().filter(|one| is(one)).count() as u64;
        Self {
            asked: ended.len() as u64,
            paid: count(&|one| one.received > 0),
            failed: count(&|one| one.state == "failed"),
            given_up: count(&|one| one.state == "expired"),
            refunded: count(&|one| one.refunded > 0),
            paid_twice: count(&|one| one.is_flagged_twice),
            takings: Vec::new(),
            problems: ended.iter().filter_map(|one| one.problem.clone()).collect(),
        }
    }
}

/// What is reconciled, and with whom.
pub(crate) struct Reckoning<'a> {
    pub(crate) target: &'a DemoTarget,
    pub(crate) payments: &'a Payments,
    /// When the first fee may have been asked for, and when all had their ends, in milliseconds since 1970.
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
}

impl Reckoning<'_> {
    /// Compares each provider's books and day files with what ended.
    pub(crate) async fn make(&self, ended: &[Ended]) -> Result<FeeSummary, ClientError> {
        let mut summary = FeeSummary::of(ended);
        for provider in Provider::ALL {
            let mut takings = self.takings(provider, ended);
            // A demo over midnight has two days.
            for day in BTreeSet::from([self.from_ms, self.until_ms].map(vietnamese_day)) {
                let outcome = self.reconcile(provider, day).await?;
                let number = |name: &str| outcome[name].as_i64().unwrap_or_default();
                takings.lines += outcome["their_lines"].as_u64().unwrap_or_default();
                takings.differing += outcome["differing"].as_u64().unwrap_or(u64::from(u32::MAX));
                takings.difference += number("difference");
            }
            summary.takings.push(takings);
        }
        Ok(summary)
    }

    fn takings(&self, provider: Provider, ended: &[Ended]) -> Takings {
        let here = || ended.iter().filter(|one| one.provider == provider);
        let totals = self.totals(provider);
        Takings {
            provider,
            received: here().map(|one| one.received).sum(),
            refunded: here().map(|one| one.refunded).sum(),
            book: totals.paid_amount - totals.refunded_amount,
            lines: 0,
            differing: 0,
            difference: 0,
        }
    }

    fn totals(&self, provider: Provider) -> Totals {
        match provider {
            Provider::Vnpay => self.payments.vnpay.totals(),
            Provider::Momo => self.payments.momo.totals(),
            Provider::Zalopay => self.payments.zalopay.totals(),
        }
    }

    fn day_file(&self, provider: Provider, day: u32) -> String {
        match provider {
            Provider::Vnpay => self.payments.vnpay.day_file(day),
            Provider::Momo => self.payments.momo.day_file(day),
            Provider::Zalopay => self.payments.zalopay.day_file(day),
        }
    }

    /// Sends a provider's file of a day, as an operator does.
    async fn reconcile(&self, provider: Provider, day: u32) -> Result<Value, ClientError> {
        let call = "a reconciliation";
        let written = format!("{:04}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100);
        let url = format!("{}/admin/v1/reconciliations", self.target.admin_url);
        let query = [("provider", provider.id()), ("day", &written), ("reason", "demo")];
        let url = format!("{url}?{}", crate::form::encode(&query.map(|(name, value)| (name, value.to_owned()))));
        let request = reqwest::Client::new().post(url).bearer_auth(&self.target.admin_token);
        let request = request.header("x-actor", "demo").header("content-type", "text/csv");
        let answer = request.body(self.day_file(provider, day)).send().await;
        let answer = answer.map_err(|error| ClientError::NoAnswer { call, error })?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if status == StatusCode::OK {
            return Ok(body);
        }
        let detail = body["detail"].as_str().unwrap_or("no detail").to_owned();
        Err(ClientError::Unexpected { call, status, detail })
    }
}

impl fmt::Display for FeeSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: [(&str, u64, &str); 6] = [
            ("fees", self.asked, "payments asked for; callbacks were lost, doubled and wrongly signed"),
            ("paid", self.paid, "money came, and the one-stop system knows it"),
            ("failed", self.failed, "failed or cancelled at the provider: nothing was taken"),
            ("given up", self.given_up, "the citizen closed the window, the one-stop system cancelled"),
            ("refunded", self.refunded, "sent back in part or in full"),
            ("paid twice", self.paid_twice, "flagged: the same fee was paid before"),
        ];
        for (name, count, words) in rows {
            writeln!(f, "  {name:<10}{count:>9}  {words}")?;
        }
        for one in &self.takings {
            let (net, name) = (one.received - one.refunded, one.provider.id());
            let Takings { received, refunded, book, lines, differing, .. } = one;
            writeln!(
                f,
                "  {name:<10}{net:>9}  đồng: {received} came, {refunded} went back; its books {book}; day file of {lines} lines, {differing} differ"
            )?;
        }
        writeln!(f, "  {:<10}{:>9}  đồng between the gateway and the providers", "difference", self.difference())?;
        for problem in &self.problems {
            writeln!(f, "  ! {problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takings() -> Takings {
        Takings {
            provider: Provider::Momo,
            received: 90_000,
            refunded: 20_000,
            book: 70_000,
            lines: 3,
            differing: 0,
            difference: 0,
        }
    }

    fn with(takings: &[Takings]) -> FeeSummary {
        FeeSummary { takings: takings.to_vec(), ..FeeSummary::default() }
    }

    #[test]
    fn money_that_is_equal_everywhere_has_no_difference() {
        let equal = with(&[takings(), takings()]);
        assert_eq!((equal.all_equal(), equal.difference()), (true, 0));
        assert!(equal.to_string().contains("momo          70000  đồng: 90000 came, 20000 went back"), "{equal}");
    }

    #[test]
    fn too_much_here_and_too_little_there_do_not_make_up_for_each_other() {
        let (over, under) = (Takings { book: 71_000, ..takings() }, Takings { book: 69_000, ..takings() });
        assert_eq!((with(&[over, under]).all_equal(), with(&[over, under]).difference()), (false, 2_000));
        for wrong in [over, under, Takings { differing: 2, ..takings() }, Takings { difference: -1, ..takings() }] {
            assert!(!with(&[takings(), wrong]).all_equal(), "{wrong:?}");
        }
        let problem = FeeSummary { problems: vec!["a payment is pending".to_owned()], ..with(&[takings()]) };
        assert!(!problem.all_equal() && problem.to_string().contains("! a payment is pending"));
    }
}
