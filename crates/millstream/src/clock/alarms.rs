//! The ordered list of what is to happen when, used by both clocks. It knows no time of its own and
//! locks nothing.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Instant;

/// What happens when a moment comes.
pub(crate) enum Alarm {
    /// A sleep ends: the task that polled it last is woken.
    Wake(Waker),
    /// Something is to be done for which nobody sleeps, such as the deadline of a context.
    Call(Waker),
}

impl Alarm {
    /// Does it. Must not be called under a lock: it runs the code of users.
    pub(crate) fn fire(self) {
        match self {
            Alarm::Wake(waker) | Alarm::Call(waker) => waker.wake(),
        }
    }
}

/// One place in the list: the moment, and a number that keeps equal moments apart and in the order
/// of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    at: Instant,
    number: u64,
}

/// Alarms in the order of their moments.
pub(crate) struct Alarms {
    entries: BTreeMap<Key, Alarm>,
    next_number: u64,
    /// How many entries are sleeps; deadlines are the rest.
    sleeps: usize,
}

impl Alarms {
    pub(crate) const fn new() -> Self {
        Self { entries: BTreeMap::new(), next_number: 0, sleeps: 0 }
    }

    pub(crate) fn insert(&mut self, at: Instant, alarm: Alarm) -> Key {
        let key = Key { at, number: self.next_number };
        self.next_number += 1;
        self.sleeps += usize::from(matches!(alarm, Alarm::Wake(_)));
        self.entries.insert(key, alarm);
        key
    }

    /// Takes the alarm out, if it has not fired; the caller drops it after unlocking.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Alarm> {
        let alarm = self.entries.remove(&key);
        self.count_out(alarm.as_ref());
        alarm
    }

    /// Replaces the waker of a sleep that was polled again; gives the old one back, to be dropped
    /// after unlocking. `Err` hands the new one back when the alarm has fired meanwhile.
    pub(crate) fn replace(&mut self, key: Key, waker: &Waker) -> Result<Option<Waker>, ()> {
        match self.entries.get_mut(&key) {
            Some(Alarm::Wake(old)) if old.will_wake(waker) => Ok(None),
            Some(Alarm::Wake(old)) => Ok(Some(std::mem::replace(old, waker.clone()))),
            _ => Err(()),
        }
    }

    /// The first moment on the list.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(key, _)| key.at)
    }

    /// Takes the first alarm whose moment is not after `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(Instant, Alarm)> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().at <= now)?;
        let (key, alarm) = entry.remove_entry();
        self.count_out(Some(&alarm));
        Some((key.at, alarm))
    }

    pub(crate) fn sleeps(&self) -> usize {
        self.sleeps
    }

    pub(crate) fn deadlines(&self) -> usize {
        self.entries.len() - self.sleeps
    }

    fn count_out(&mut self, alarm: Option<&Alarm>) {
        self.sleeps -= usize::from(matches!(alarm, Some(Alarm::Wake(_))));
    }
}
