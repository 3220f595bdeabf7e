//! Counts open connections, in all and for each address, and says when there are too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

pub(super) struct Crowd {
    per_address: u32,
    in_all: u32,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    by_address: HashMap<IpAddr, u32>,
    all: u32,
}

/// A connection's place; dropping it makes room.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    /// `None` while it is not known whom a balancer speaks for.
    address: Option<IpAddr>,
}

impl Crowd {
    pub(super) fn new(per_address: u32, in_all: u32) -> Arc<Self> {
        Arc::new(Self { per_address, in_all, open: Mutex::default() })
    }

    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().expect("no panic while held");
        let here = open.by_address.get(&address).copied().unwrap_or(0);
        if here >= self.per_address || open.all >= self.in_all {
            return None;
        }
        open.by_address.insert(address, here + 1);
        open.all += 1;
        Some(Place { crowd: self.clone(), address: Some(address) })
    }

    /// A place for a connection whose address is told later.
    pub(super) fn enter_unnamed(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.open.lock().expect("no panic while held");
        if open.all >= self.in_all {
            return None;
        }
        open.all += 1;
        Some(Place { crowd: self.clone(), address: None })
    }
}

impl Place {
    /// Counts it for an address, too; `None` when there are too many of that.
    pub(super) fn named(mut self, address: IpAddr) -> Option<Self> {
        let mut open = self.crowd.open.lock().expect("no panic while held");
        let here = open.by_address.get(&address).copied().unwrap_or(0);
        if here >= self.crowd.per_address {
            return None;
        }
        open.by_address.insert(address, here + 1);
        drop(open);
        self.address = Some(address);
        Some(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.open.lock().expect("no panic while held");
        open.all -= 1;
        let Some(address) = &self.address else { return };
        if let Some(here) = open.by_address.get_mut(address) {
            *here -= 1;
            if *here == 0 {
                open.by_address.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_places_and_leaving_makes_room() {
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let crowd = Crowd::new(2, 3);
        let first = crowd.enter(here);
        let _second = crowd.enter(here).unwrap();
        assert!(crowd.enter(here).is_none());
        let _third = crowd.enter(there).unwrap();
        assert!(crowd.enter(there).is_none(), "three in all");
        drop(first);
        assert!(crowd.enter(there).is_some());
    }

    #[test]
    fn a_place_that_is_named_later_counts_for_its_address_too() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let crowd = Crowd::new(1, 2);
        let first = crowd.enter_unnamed().unwrap().named(address).unwrap();
        assert!(crowd.enter_unnamed().unwrap().named(address).is_none(), "one for each address");
        let _unnamed = crowd.enter_unnamed().unwrap();
        assert!(crowd.enter_unnamed().is_none(), "two in all");
        drop(first);
        assert!(crowd.enter_unnamed().unwrap().named(address).is_some());
    }
}
