use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Answers that are good for a while. It holds at most `limit` of them, and forgets all when there are more: they can be
/// had again.
pub(crate) struct Cache<K, V> {
    answers: Mutex<HashMap<K, (V, Instant)>>,
    limit: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { answers: Mutex::new(HashMap::new()), limit }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let answers = self.lock();
        answers.get(key).filter(|(_, until)| Instant::now() < *until).map(|(answer, _)| answer.clone())
    }

    pub(crate) fn put(&self, key: K, answer: V, good_for: Duration) {
        let now = Instant::now();
        let mut answers = self.lock();
        if answers.len() >= self.limit {
            answers.retain(|_, (_, until)| now < *until);
        }
        if answers.len() >= self.limit {
            answers.clear();
        }
        answers.insert(key, (answer, now + good_for));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (V, Instant)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_and_there_are_never_more_than_the_limit() {
        let cache = Cache::new(2);
        cache.put(1, 'a', Duration::ZERO);
        assert_eq!(cache.get(&1), None);
        for key in 2..100 {
            cache.put(key, 'b', Duration::from_secs(600));
            assert!(cache.lock().len() <= 2);
            assert_eq!(cache.get(&key), Some('b'));
        }
    }
}
