//! Work on many rows, shared out among threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Work on fewer rows than this is not worth a second thread.
const ALONE: usize = 100_000;
const MOST_THREADS: usize = 4;

/// What `work` gives for each number below `count`, in order. Done on several threads where each piece goes through `rows` rows and that
/// is worth it. A panic of a piece is one here.
pub fn share_out<T: Send>(count: usize, rows: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if rows < ALONE {
        return (0..count).map(work).collect();
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let next = AtomicUsize::new(0);
    let take = || -> Vec<(usize, T)> {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        numbers.take_while(|number| *number < count).map(|number| (number, work(number))).collect()
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, given)| given).collect()
}

#[cfg(test)]
mod tests {
    use super::{ALONE, share_out};

    #[test]
    fn what_is_shared_out_comes_back_in_order() {
        let squares: Vec<_> = (0..100).map(|n| n * n).collect();
        for rows in [0, ALONE] {
            assert_eq!(share_out(100, rows, |n| n * n), squares);
            assert!(share_out(0, rows, |n| n).is_empty());
        }
    }
}
