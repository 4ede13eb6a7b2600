//! Who wants which messages: by the bytes that they begin with, as ZeroMQ has it (RFC 29, "SUB socket"). Found by
//! looking up the message's own beginnings, so it costs by how many *lengths* of prefixes there are, not by how many
//! clients or subscriptions.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

/// The most different subscriptions of one client, so that it cannot fill the memory with them.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Who wants which messages. A client is known by a number.
#[derive(Default)]
pub(crate) struct Subscriptions {
    /// How many prefixes there are of each length.
    lengths: BTreeMap<usize, usize>,
    by_prefix: HashMap<Arc<[u8]>, Vec<usize>>,
    /// Each client's wishes, and how often it has each: it may be taken back as often.
    by_client: HashMap<usize, HashMap<Arc<[u8]>, u32>>,
}

impl Subscriptions {
    /// Adds a wish; `false` where the client has too many.
    pub(crate) fn subscribe(&mut self, client: usize, prefix: &[u8]) -> bool {
        let own = self.by_client.entry(client).or_default();
        if let Some(times) = own.get_mut(prefix) {
            *times = times.saturating_add(1);
            return true;
        }
        if own.len() >= SUBSCRIPTIONS_MAX {
            return false;
        }
        let prefix = match self.by_prefix.get_key_value(prefix) {
            Some((known, _)) => known.clone(),
            None => prefix.into(),
        };
        own.insert(prefix.clone(), 1);
        let length = prefix.len();
        let clients = self.by_prefix.entry(prefix).or_default();
        if clients.is_empty() {
            *self.lengths.entry(length).or_default() += 1;
        }
        clients.push(client);
        true
    }

    /// Takes one wish back. What was never wished for is ignored.
    pub(crate) fn cancel(&mut self, client: usize, prefix: &[u8]) {
        let Some(own) = self.by_client.get_mut(&client) else { return };
        let Some(times) = own.get_mut(prefix) else { return };
        *times -= 1;
        if *times == 0 {
            own.remove(prefix);
            if own.is_empty() {
                self.by_client.remove(&client);
            }
            self.remove(client, prefix);
        }
    }

    /// Forgets a client.
    pub(crate) fn forget(&mut self, client: usize) {
        for prefix in self.by_client.remove(&client).into_iter().flat_map(HashMap::into_keys) {
            self.remove(client, &prefix);
        }
    }

    /// Calls `on` for each client that wants `message`, more than once where several of its wishes fit.
    #[inline]
    pub(crate) fn wanting(&self, message: &[u8], mut on: impl FnMut(usize)) {
        for &length in self.lengths.keys() {
            let Some(prefix) = message.get(..length) else { return };
            if let Some(clients) = self.by_prefix.get(prefix) {
                clients.iter().copied().for_each(&mut on);
            }
        }
    }

    /// Does anybody want messages that begin with `beginning`?
    pub(crate) fn is_wanted(&self, beginning: &[u8]) -> bool {
        let mut found = false;
        self.wanting(beginning, |_| found = true);
        found
    }

    /// Does this client want `message`?
    pub(crate) fn wants(&self, client: usize, message: &[u8]) -> bool {
        let Some(own) = self.by_client.get(&client) else { return false };
        if own.len() <= self.lengths.len() {
            return own.keys().any(|prefix| message.starts_with(prefix));
        }
        let beginnings = self.lengths.keys().map_while(|&length| message.get(..length));
        beginnings.into_iter().any(|beginning| own.contains_key(beginning))
    }

    fn remove(&mut self, client: usize, prefix: &[u8]) {
        let Some(clients) = self.by_prefix.get_mut(prefix) else { return };
        if let Some(at) = clients.iter().position(|other| *other == client) {
            clients.swap_remove(at);
        }
        if clients.is_empty() {
            self.by_prefix.remove(prefix);
            if let Some(count) = self.lengths.get_mut(&prefix.len()) {
                *count -= 1;
                if *count == 0 {
                    self.lengths.remove(&prefix.len());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wanting(subscriptions: &Subscriptions, message: &str) -> Vec<usize> {
        let mut clients = Vec::new();
        subscriptions.wanting(message.as_bytes(), |client| clients.push(client));
        clients.sort_unstable();
        clients.dedup();
        clients
    }

    #[test]
    fn a_client_has_a_limit_and_it_is_told() {
        let mut subscriptions = Subscriptions::default();
        for number in 0..SUBSCRIPTIONS_MAX {
            assert!(subscriptions.subscribe(1, number.to_string().as_bytes()));
        }
        assert!(!subscriptions.subscribe(1, b"one more"));
        assert!(subscriptions.subscribe(1, b"7"), "a wish that it has already");
        assert!(subscriptions.subscribe(2, b"one more"));
        subscriptions.cancel(1, b"8");
        assert!(subscriptions.subscribe(1, b"one more"));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Subscribe(usize, String),
        Cancel(usize, String),
        Forget(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4usize, "[ab]{0,3}").prop_map(|(client, prefix)| Step::Subscribe(client, prefix)),
            3 => (0..4usize, "[ab]{0,3}").prop_map(|(client, prefix)| Step::Cancel(client, prefix)),
            1 => (0..4usize).prop_map(Step::Forget),
        ]
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_list_of_wishes(steps in prop::collection::vec(step(), 0..60), message in "[ab]{0,5}") {
            let mut subscriptions = Subscriptions::default();
            let mut list: Vec<(usize, String)> = Vec::new();
            for step in steps {
                match step {
                    Step::Subscribe(client, prefix) => {
                        subscriptions.subscribe(client, prefix.as_bytes());
                        list.push((client, prefix));
                    }
                    Step::Cancel(client, prefix) => {
                        subscriptions.cancel(client, prefix.as_bytes());
                        if let Some(at) = list.iter().position(|wish| *wish == (client, prefix.clone())) {
                            list.remove(at);
                        }
                    }
                    Step::Forget(client) => {
                        subscriptions.forget(client);
                        list.retain(|wish| wish.0 != client);
                    }
                }
                let mut wanted: Vec<usize> =
                    list.iter().filter(|wish| message.starts_with(&wish.1)).map(|wish| wish.0).collect();
                wanted.sort_unstable();
                wanted.dedup();
                for client in 0..4 {
                    prop_assert_eq!(subscriptions.wants(client, message.as_bytes()), wanted.contains(&client));
                }
                prop_assert_eq!(wanting(&subscriptions, &message), wanted);
                prop_assert_eq!(subscriptions.is_wanted(b""), list.iter().any(|wish| wish.1.is_empty()));
            }
            for client in 0..4 {
                subscriptions.forget(client);
            }
            prop_assert!(subscriptions.lengths.is_empty() && subscriptions.by_prefix.is_empty());
            prop_assert!(subscriptions.by_client.is_empty());
        }
    }
}
