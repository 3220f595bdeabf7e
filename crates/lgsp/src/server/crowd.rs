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
    address: IpAddr,
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
        Some(Place { crowd: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.open.lock().expect("no panic while held");
        open.all -= 1;
        if let Some(here) = open.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                open.by_address.remove(&self.address);
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
}
