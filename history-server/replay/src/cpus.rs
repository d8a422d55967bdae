//! Amounts of cores, which may be fractions since Spark 4.3.

/// An amount of cores, in billionths of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cpus(i64);

const ONE: i64 = 1_000_000_000;

/// The longest text that Spark takes for an amount.
const MAX_TEXT: usize = 64;

impl Cpus {
    /// One core.
    pub(crate) const ONE: Self = Self(ONE);

    /// An amount as written in a setting; `None` where it is none that Spark takes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let unsigned = digits.strip_prefix('+').unwrap_or(digits);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all: String = whole.chars().chain(fraction.chars()).collect();
        if text.len() > MAX_TEXT || all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // How many places the digits are to be moved to count billionths.
        let shift = 9 + i64::from(exponent) - fraction.len() as i64;
        let scaled = format!("{all}e{shift}").parse::<f64>().ok()?;
        let in_range = scaled >= 1.0 && scaled <= f64::from(i32::MAX) * ONE as f64;
        let exact = i128::from(all.parse::<u64>().ok()?);
        let rounded = match u32::try_from(shift) {
            Ok(shift) => exact.checked_mul(10i128.checked_pow(shift)?)?,
            Err(_) => {
                let unit = 10i128.checked_pow(u32::try_from(-shift).ok()?)?;
                (exact + unit / 2) / unit
            }
        };
        in_range.then(|| i64::try_from(rounded).ok().map(Self)).flatten()
    }

    /// An amount of a resource profile.
    pub(crate) fn of(amount: f64) -> Option<Self> {
        Self::parse(&amount.to_string())
    }

    /// How many tasks of this size run on so many cores.
    pub(crate) fn tasks_on(self, cores: i32) -> i32 {
        let tasks = (i64::from(cores) * ONE).checked_div(self.0).unwrap_or(0);
        i32::try_from(tasks.max(0)).unwrap_or(i32::MAX)
    }
}
