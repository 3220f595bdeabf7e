//! Where the demo's dossiers come from: units with the procedures that they carry out, and people who apply.
//!
//! People are combined by chance; their numbers have shapes that no authority has issued.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use lgsp_model::Status;

use super::calendar::Calendar;
use super::catalogue::{CatalogueError, DemoProcedure, Level, ProcedureList};
use super::chance::Chance;
use super::record::{Dossier, Owner};
use super::tables::{self, Agency, NameParts};

/// The oldest filing, in days before today.
const OLDEST_DAYS: u64 = 160;
/// The newest filing: a whole life fits between it and today.
const NEWEST_DAYS: u64 = 60;

/// The three kinds of one-stop system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// Posts each message by itself; agency codes of the old form.
    Single,
    /// Sends arrays and streams; departments with codes of the new form.
    Bulk,
    /// Speaks the dialect of the portal's adapter; communes with codes of the new form.
    Adapter,
}

impl System {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Single, Self::Bulk, Self::Adapter];

    fn owns(self, agency: &Agency) -> bool {
        match self {
            Self::Single => agency.code.ends_with("H11"),
            Self::Bulk => agency.code.starts_with("H56") && agency.level == Level::Province,
            Self::Adapter => agency.code.starts_with("H56") && agency.level == Level::Commune,
        }
    }

    /// The codes of its agencies.
    pub(crate) fn agency_codes(self) -> Vec<String> {
        tables::agencies().into_iter().filter(|agency| self.owns(agency)).map(|agency| agency.code).collect()
    }
}

/// Everything that lives are made of.
pub(crate) struct World {
    agencies: Vec<Agency>,
    communes: Vec<(String, String)>,
    names: NameParts,
    pub(crate) calendar: Calendar,
    province: Vec<DemoProcedure>,
    commune: Vec<DemoProcedure>,
    today: Date,
}

impl World {
    pub(crate) fn new(procedures: &ProcedureList, today: Date) -> Result<Self, CatalogueError> {
        let of = |level| procedures.for_level(level).map(|found| found.into_iter().cloned().collect());
        Ok(Self {
            agencies: tables::agencies(),
            communes: tables::communes(),
            names: tables::names(),
            calendar: Calendar::of_vietnam(),
            province: of(Level::Province)?,
            commune: of(Level::Commune)?,
            today,
        })
    }

    /// A dossier of `system` on the day when it is filed. Its code still lacks the running number.
    pub(crate) fn filed(&self, system: System, chance: &mut Chance) -> Dossier {
        let owned: Vec<&Agency> = self.agencies.iter().filter(|agency| system.owns(agency)).collect();
        let some = chance.pick(&owned);
        let procedure = match some.level {
            Level::Province => chance.pick(&self.province),
            Level::Commune => chance.pick(&self.commune),
        };
        let agency = if some.level == Level::Province { responsible(&owned, procedure) } else { some };
        let online = chance.percent(60);
        let filed = self.filing_time(online, chance);
        let field_code = procedure.field_code.clone().expect("dossiers are made of procedures with a field code");
        Dossier {
            code: format!("{}-{:02}{:02}{:02}-", agency.code, filed.year() % 100, filed.month(), filed.day()),
            procedure_code: procedure.code.clone(),
            procedure_name: procedure.name.clone(),
            owner: self.owner(&agency.province, field_code.starts_with("G05"), chance),
            field_code,
            field_name: procedure.field_name.clone(),
            unit: agency.name.clone(),
            online,
            by_post: chance.percent(25),
            officer: self.person(chance, false),
            fee: chance.percent(50).then(|| chance.between(1, 50) * 10_000),
            status: Status::New,
            filed,
            received: None,
            due: None,
            finished: None,
            returned: None,
            refused: None,
            fee_paid: false,
            note: String::new(),
            supplement: None,
        }
    }

    /// Online at any hour of the day, at a counter in opening hours.
    fn filing_time(&self, online: bool, chance: &mut Chance) -> DateTime {
        let date = self.today - (chance.between(NEWEST_DAYS, OLDEST_DAYS) as i64).days();
        let minute = chance.between(5 * 60, 23 * 60) as i64;
        let at = date.at(0, 0, 0, 0) + minute.minutes() + (chance.below(60) as i64).seconds();
        if online { at } else { self.calendar.open_at(at) }
    }

    fn owner(&self, province: &str, business: bool, chance: &mut Chance) -> Owner {
        let is_company = business && chance.percent(50);
        let woman = chance.percent(50);
        let person = self.person(chance, woman);
        let nearby: Vec<&str> =
            self.communes.iter().filter(|(_, code)| code == province).map(|(name, _)| name.as_str()).collect();
        // The fourth digit says century and sex; 8 and 9 stand for a century to come, so nobody has such a number.
        let sex = if woman { 9 } else { 8 };
        let number = format!("0{province}{sex}{:08}", chance.below(100_000_000));
        Owner {
            is_company,
            name: if is_company { format!("CÔNG TY TNHH {}", person.to_uppercase()) } else { person.to_uppercase() },
            number: if is_company { format!("00{:08}", chance.below(100_000_000)) } else { number },
            phone: format!("0900{:06}", chance.below(1_000_000)),
            address: format!("Địa chỉ: {}", chance.pick(&nearby)),
        }
    }

    fn person(&self, chance: &mut Chance, woman: bool) -> String {
        let gender = usize::from(woman);
        let family = chance.weighted(&self.names.family).clone();
        let middle = chance.weighted(&self.names.middle[gender]).clone();
        format!("{family} {middle} {}", chance.weighted(&self.names.given[gender]))
    }
}

/// The department that works in the procedure's field, else the public service centre, which stands first.
fn responsible<'a>(owned: &[&'a Agency], procedure: &DemoProcedure) -> &'a Agency {
    let branch = procedure.field_code.as_deref().and_then(|code| code.split('-').next()).unwrap_or_default();
    owned.iter().find(|agency| agency.branches.iter().any(|one| one == branch)).unwrap_or(&owned[0])
}
