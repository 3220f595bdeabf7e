//! The course of the demo's fees: asked for as dossiers are taken, paid or not by their citizens, and followed until each
//! payment has its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::DemoTarget;
use super::client::{Cashier, Citizen, ClientError};
use super::fees::{Deed, FEES, Fee, Provider};

/// How long a payment may take to its end: longer than the gateway waits before it asks a provider, several times.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a payment is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// A payment at its end, or where it was when nobody waited for it any more.
pub(crate) struct Ended {
    pub(crate) provider: Provider,
    pub(crate) state: String,
    /// Đồng that came, and of these what went back.
    pub(crate) received: i64,
    pub(crate) refunded: i64,
    pub(crate) is_flagged_twice: bool,
    /// What is not as it should be.
    pub(crate) problem: Option<String>,
}

impl Ended {
    fn of(fee: &Fee, payment: &Value, is_second: bool) -> Self {
        let number = |name: &str| payment[name].as_i64().unwrap_or_default();
        Self {
            provider: fee.provider,
            state: payment["state"].as_str().unwrap_or_default().to_owned(),
            received: number("received"),
            refunded: number("refunded"),
            is_flagged_twice: is_flagged_twice(payment),
            problem: problem(fee, payment, is_second),
        }
    }
}

/// Where fees are asked for.
pub(crate) struct Till {
    cashier: Cashier,
    citizen: Citizen,
    asked: AtomicU64,
    ended: AtomicU64,
}

impl Till {
    pub(crate) fn new(target: &DemoTarget) -> Self {
        Self {
            cashier: Cashier::new(&target.public_url, target.single.clone(), &target.return_url),
            citizen: Citizen::new(),
            asked: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// How many payments were asked for, and how many of them have their end.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.asked.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed))
    }

    /// Asks for a fee of each dossier that comes, for at most [`FEES`] of them, and waits for all of their ends.
    pub(crate) async fn serve(
        self: Arc<Self>,
        mut accepted: mpsc::Receiver<String>,
    ) -> Result<Vec<Ended>, ClientError> {
        let mut at_work = JoinSet::new();
        for number in 0..FEES {
            let Some(record) = accepted.recv().await else { break };
            at_work.spawn(Arc::clone(&self).one(Fee::of(number, &record)));
        }
        let mut ended = Vec::new();
        while let Some(done) = at_work.join_next().await {
            ended.extend(done.expect("a fee's course does not panic")?);
        }
        Ok(ended)
    }

    async fn one(self: Arc<Self>, fee: Fee) -> Result<Vec<Ended>, ClientError> {
        let first = self.paid_for(&fee, 1).await?;
        if let Some(amount) = fee.refund() {
            self.until(&first, |payment| payment["state"] == "paid").await?;
            self.cashier.refund(&first, amount).await?;
        }
        if fee.deed == Deed::CloseWindow {
            self.cashier.cancel(&first).await?;
        }
        let mut ended = vec![self.end_of(&fee, &first, false).await?];
        if fee.deed == Deed::PayTwice {
            let second = self.paid_for(&fee, 2).await?;
            ended.push(self.end_of(&fee, &second, true).await?);
        }
        Ok(ended)
    }

    /// Asks for the fee, and has the citizen do what he does. The payment's id.
    async fn paid_for(&self, fee: &Fee, time: u32) -> Result<String, ClientError> {
        let payment = self.cashier.ask(fee, time).await?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.citizen.pay(&payment, fee).await?;
        Ok(payment["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits for the end that the payment has to have.
    async fn end_of(&self, fee: &Fee, id: &str, is_second: bool) -> Result<Ended, ClientError> {
        let payment = self.until(id, |payment| is_end(fee, payment, is_second)).await?;
        self.ended.fetch_add(1, Ordering::Relaxed);
        Ok(Ended::of(fee, &payment, is_second))
    }

    /// The payment once this holds of it, or when patience is over.
    async fn until(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, ClientError> {
        let begun = Instant::now();
        loop {
            let payment = self.cashier.read(id).await?;
            if holds(&payment) || begun.elapsed() > PATIENCE {
                return Ok(payment);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Whether a payment stands where it has to in the end.
fn is_end(fee: &Fee, payment: &Value, is_second: bool) -> bool {
    payment["state"] == fee.deed.end() && is_flagged_twice(payment) == is_second
}

/// What is wrong with a payment at its end.
fn problem(fee: &Fee, payment: &Value, is_second: bool) -> Option<String> {
    let (name, end, id) = (fee.provider.id(), fee.deed.end(), &payment["id"]);
    let owed = if matches!(end, "failed" | "expired") { 0 } else { fee.amount() };
    let given_back = fee.refund().unwrap_or_default();
    let number = |name: &str| payment[name].as_i64().unwrap_or_default();
    let (received, refunded) = (number("received"), number("refunded"));
    if !is_end(fee, payment, is_second) {
        Some(format!("payment {id} is {} with {}, and should be {end}", payment["state"], payment["flags"]))
    } else if (received, refunded) != (owed, given_back) {
        Some(format!("payment {id} has {received} đồng less {refunded}, and should have {owed} less {given_back}"))
    } else if payment["provider"] != name {
        Some(format!("payment {id} is at {}, and was made at {name}", payment["provider"]))
    } else {
        None
    }
}

fn is_flagged_twice(payment: &Value) -> bool {
    payment["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "paid_twice"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem_of(number: usize, payment: Value, is_second: bool) -> Option<String> {
        problem(&Fee::of(number, r#"{"MaHoSo":"000.00.16.H11-260105-0001"}"#), &payment, is_second)
    }

    #[test]
    fn a_payment_with_another_end_other_money_or_another_provider_is_a_problem() {
        let paid =
            json!({"id": "a", "state": "paid", "received": 30_000, "refunded": 0, "flags": [], "provider": "vnpay"});
        let with = |field: &str, value: Value| {
            let mut payment = paid.clone();
            payment[field] = value;
            payment
        };
        assert_eq!(problem_of(0, paid.clone(), false), None);
        for (payment, expected) in [
            (with("state", json!("pending")), "should be paid"),
            (with("flags", json!(["paid_twice"])), "paid_twice"),
            (with("received", json!(29_999)), "29999 đồng"),
            (with("refunded", json!(1)), "less 1,"),
            (with("provider", json!("momo")), "made at vnpay"),
        ] {
            let problem = problem_of(0, payment, false).expect(expected);
            assert!(problem.contains(expected), "{problem}");
        }
        assert!(problem_of(0, paid, true).is_some(), "the second payment of a fee has to be flagged");
    }
}
