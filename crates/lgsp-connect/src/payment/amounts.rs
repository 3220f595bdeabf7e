//! The smallest and the largest amount that a provider takes: its own bounds, or what the contract with it says.
//!
//! It compares nothing; that is done before an order is opened, and by whoever is told of a payment.

use lgsp_model::{Dong, ReportStanding};
use toml::Value;

use crate::settings::{Fields, Problem};

/// Where an order stands by a word that has a place for the amount: money of which it is not said how much is none that counts.
pub(super) fn with_amount(standing: ReportStanding, amount: Option<Dong>) -> ReportStanding {
    match standing {
        ReportStanding::Paid | ReportStanding::Refunded if amount.is_none() => ReportStanding::Unclear,
        standing => standing,
    }
}

/// `least` and `most`, both included.
#[derive(Clone, Copy)]
pub(super) struct Amounts {
    pub least: Dong,
    pub most: Dong,
}

impl Amounts {
    /// The settings `least` and `most`, in whole đồng.
    pub(super) fn read(fields: &mut Fields<'_>, least: i64, most: i64) -> Self {
        let (least, most) = (one(fields, "least", least), one(fields, "most", most));
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            fields.fail("most", Problem::Expected("an amount that is not below the least"));
        }
        Self { least: least.unwrap_or_default(), most: most.unwrap_or_default() }
    }
}

fn one(fields: &mut Fields<'_>, key: &'static str, default: i64) -> Option<Dong> {
    let given = fields.get(key).map_or(Some(default), Value::as_integer);
    let amount = given.and_then(Dong::new).filter(|dong| *dong > Dong::ZERO);
    if amount.is_none() {
        fields.fail(key, Problem::Expected("an amount in whole đồng"));
    }
    amount
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;

    #[test]
    fn a_contract_narrows_the_bounds_and_nothing_else_is_taken() {
        for (settings, least, most, wrong) in [
            ("", 1000, 50_000, None),
            ("least = 2000\nmost = 30000", 2000, 30_000, None),
            ("most = 500", 1000, 500, Some("most")),
            ("least = 0", 0, 50_000, Some("least")),
            ("most = '5'", 1000, 0, Some("most")),
        ] {
            let table: Table = settings.parse().unwrap();
            let mut fields = Fields::new(&table);
            let amounts = Amounts::read(&mut fields, 1000, 50_000);
            assert_eq!((amounts.least.get(), amounts.most.get()), (least, most), "{settings}");
            assert_eq!(fields.finish().first().map(|error| error.key.as_str()), wrong, "{settings}");
        }
    }
}
