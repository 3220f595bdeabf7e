//! A dossier's life as the messages that a one-stop system sends about it, each with what the gateway should say.
//!
//! Pure: the same seed gives the same lives. What is expected follows from how the life was made, not from asking the
//! status machine; a test compares the two.

mod flaw;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::DateTime;
use lgsp_model::{EventKind, Status};
use serde_json::Value;

use super::chance::Chance;
use super::record::{Dossier, Supplement};
use super::world::{System, World};

/// What the gateway should answer to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Expected {
    Accepted,
    Duplicate,
    Held,
    Rejected,
}

impl Expected {
    /// The word on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Held => "held",
            Self::Rejected => "rejected",
        }
    }
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// `MaHoSo`, also of messages whose record does not carry a good one.
    pub(crate) code: String,
    pub(crate) kind: EventKind,
    /// The record as JSON text.
    pub(crate) text: String,
    pub(crate) expected: Expected,
    /// What is special about it, in words.
    pub(crate) what: &'static str,
}

/// One dossier's messages in order.
pub(crate) struct Life {
    pub(crate) messages: Vec<Message>,
}

/// The ways that a dossier can go, with their weights in percent.
const COURSES: [(&[Status], u64); 8] = {
    use Status::{
        FinancialDuty, NotReceived, Processing, Received, Returned, Settled, Stopped, SupplementAsked, Withdrawn,
    };
    [
        (&[Received, Processing, Settled, Returned], 40),
        (&[Received, Processing, SupplementAsked, Processing, Settled, Returned], 18),
        (&[Received, Processing, FinancialDuty, Processing, Settled, Returned], 14),
        (&[Received, SupplementAsked, Received, Processing, FinancialDuty, Settled, Returned], 6),
        (&[NotReceived], 6),
        (&[Received, Processing, Withdrawn], 6),
        (&[Received, Processing, SupplementAsked, Stopped], 5),
        (&[Received, Processing], 5),
    ]
};

/// Makes lives, one after the other, with codes that do not repeat.
pub(crate) struct Lives {
    world: Arc<World>,
    chance: Chance,
    running: HashMap<String, u32>,
}

impl Lives {
    pub(crate) fn new(world: Arc<World>, seed: u64) -> Self {
        Self { world, chance: Chance::seeded(seed), running: HashMap::new() }
    }

    pub(crate) fn next(&mut self, system: System) -> Life {
        let mut dossier = self.world.filed(system, &mut self.chance);
        let number = self.running.entry(dossier.code.clone()).or_default();
        *number += 1;
        dossier.code.push_str(&format!("{number:04}"));
        let course = *self.chance.weighted(&COURSES);
        let filed = dossier.filed;
        let (world, chance) = (&*self.world, &mut self.chance);
        let mut writer = Writer { world, chance, dossier, now: filed, owes: false, messages: Vec::new() };
        writer.live(course);
        Life { messages: writer.messages }
    }
}

/// A life being written.
struct Writer<'a> {
    world: &'a World,
    chance: &'a mut Chance,
    dossier: Dossier,
    now: DateTime,
    owes: bool,
    messages: Vec<Message>,
}

impl Writer<'_> {
    fn live(&mut self, course: &[Status]) {
        // What is refused at the counter was at least filed online.
        if self.dossier.online || course[0] == Status::NotReceived {
            self.say_record("filed");
        }
        for status in course {
            let minutes = self.chance.between(20, 900);
            self.now = self.world.calendar.after(self.now, minutes);
            self.enter(*status);
            self.say_record("next status");
            self.say_step(*status, self.now, "progress step");
            self.maybe_repeat();
            self.maybe_correct();
            self.maybe_break();
        }
        self.maybe_late_step();
        self.maybe_backwards();
    }

    /// Moves the dossier's own dates along with its status.
    fn enter(&mut self, status: Status) {
        let now = self.now;
        let dossier = &mut self.dossier;
        dossier.status = status;
        match status {
            Status::New => {}
            // Whoever comes back from a financial duty has paid: the record says so, or it would be a repeat of the
            // one before the duty.
            Status::Processing => dossier.fee_paid |= self.owes,
            Status::FinancialDuty => {
                dossier.fee.get_or_insert(150_000);
                (dossier.fee_paid, self.owes) = (false, true);
            }
            Status::Received if dossier.received.is_none() => {
                dossier.received = Some(now);
                dossier.due = Some(self.world.calendar.due(now, self.chance.between(3, 20)));
            }
            Status::Received => {}
            Status::SupplementAsked => {
                let due_before = dossier.due.unwrap_or(now);
                let due_after = self.world.calendar.due(due_before, 3);
                dossier.supplement = Some(Supplement { asked: now, answered: None, due_before, due_after });
            }
            Status::NotReceived => dossier.refused = Some(now),
            Status::Withdrawn | Status::Stopped | Status::Settled => dossier.finished = Some(now),
            Status::Returned => dossier.returned = Some(now),
        }
        if status != Status::SupplementAsked
            && status != Status::Stopped
            && let Some(supplement) = &mut dossier.supplement
            && supplement.answered.is_none()
        {
            supplement.answered = Some(now);
            dossier.due = Some(supplement.due_after);
        }
        dossier.fee_paid |= dossier.fee.is_some() && matches!(status, Status::Settled | Status::Returned);
    }

    fn say(&mut self, kind: EventKind, text: String, expected: Expected, what: &'static str) {
        self.messages.push(Message { code: self.dossier.code.clone(), kind, text, expected, what });
    }

    fn say_record(&mut self, what: &'static str) {
        self.say(EventKind::Dossier, self.dossier.record(), Expected::Accepted, what);
    }

    fn say_step(&mut self, status: Status, at: DateTime, what: &'static str) {
        let text = self.dossier.step(status, at, step_text(status));
        self.say(EventKind::Progress, text, Expected::Accepted, what);
    }

    /// Sent once more, as clients do that did not hear the answer; sometimes by software that writes JSON differently.
    fn maybe_repeat(&mut self) {
        if !self.chance.percent(8) {
            return;
        }
        let stood = |message: &&Message| message.expected == Expected::Accepted;
        let candidates: Vec<&Message> = self.messages.iter().filter(stood).collect();
        let again = (*self.chance.pick(&candidates)).clone();
        let (text, what) = match self.chance.below(3) {
            0 => (again.text, "the same bytes again"),
            1 => (rewritten(&again.text, false), "the same with other key order"),
            _ => (rewritten(&again.text, true), "the same with other key order and spaces"),
        };
        self.say(again.kind, text, Expected::Duplicate, what);
    }

    /// The same status again with another note: a correction of the record.
    fn maybe_correct(&mut self) {
        if self.chance.percent(6) {
            self.dossier.note = format!("Cập nhật lúc {}", self.now.strftime("%H:%M ngày %d/%m/%Y"));
            self.say_record("a correction under the same status");
        }
    }

    fn maybe_break(&mut self) {
        if self.chance.percent(3) {
            let (kind, text, what) = flaw::some(&self.dossier, self.now, self.chance);
            self.say(kind, text, Expected::Rejected, what);
        }
    }

    /// A step that was done earlier and is told late: history, it moves nothing.
    fn maybe_late_step(&mut self) {
        if self.chance.percent(12) && self.dossier.received.is_some() {
            let earlier = self.now - 90.minutes();
            let text = self.dossier.step(Status::Processing, earlier, "Bổ sung nhật ký xử lý được ghi nhận muộn");
            self.say(EventKind::Progress, text, Expected::Accepted, "a step told late");
        }
    }

    /// A message of the past that comes after the end, and would move the dossier backwards.
    fn maybe_backwards(&mut self) {
        if !self.chance.percent(15) || !matches!(self.dossier.status, Status::Settled | Status::Returned) {
            return;
        }
        let later = self.world.calendar.after(self.now, 30);
        if self.chance.percent(50) {
            let text = self.dossier.step(Status::Processing, later, "Tiếp tục thẩm định hồ sơ");
            self.say(EventKind::Progress, text, Expected::Held, "a step that would go back");
        } else {
            let mut old = self.dossier.clone();
            (old.status, old.finished, old.returned) = (Status::Processing, None, None);
            old.note = "Bản ghi gửi muộn".into();
            self.say(EventKind::Dossier, old.record(), Expected::Held, "a record that would go back");
        }
    }
}

fn step_text(status: Status) -> &'static str {
    match status {
        Status::New => "Nộp hồ sơ trực tuyến",
        Status::Received => "Tiếp nhận hồ sơ",
        Status::NotReceived => "Từ chối tiếp nhận hồ sơ",
        Status::Processing => "Thẩm định hồ sơ",
        Status::SupplementAsked => "Yêu cầu bổ sung giấy tờ",
        Status::FinancialDuty => "Thông báo nghĩa vụ tài chính",
        Status::Withdrawn => "Công dân rút hồ sơ",
        Status::Stopped => "Dừng xử lý hồ sơ",
        Status::Settled => "Kết thúc xử lý hồ sơ",
        Status::Returned => "Trả kết quả hồ sơ",
    }
}

/// The same JSON value in other bytes: keys sorted, with or without spaces.
fn rewritten(text: &str, spaces: bool) -> String {
    let value: Value = serde_json::from_str(text).expect("the demo wrote it as JSON");
    if spaces { format!("{value:#}").replace('\n', " ") } else { value.to_string() }
}

#[cfg(test)]
mod tests;
