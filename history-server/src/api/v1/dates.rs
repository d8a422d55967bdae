//! Dates in parameters, as Java's lenient `SimpleDateFormat` reads them.

use chrono::{Duration, Months, NaiveDate};

use super::error::Refusal;

/// Milliseconds since the epoch of `yyyy-MM-ddTHH:mm:ss.SSS` with a zone, or of `yyyy-MM-dd`, which is in GMT.
pub(super) fn millis(text: &str) -> Result<i64, Refusal> {
    moment(text).or_else(|| day(&mut Reader(text))).ok_or_else(|| Refusal::Date(text.to_owned()))
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    /// A number, which may have any length as long as something else follows.
    fn number(&mut self) -> Option<i64> {
        let sign = if self.0.starts_with('-') { 1 } else { 0 };
        let end = self.0[sign..].find(|c: char| !c.is_ascii_digit()).map_or(self.0.len(), |at| at + sign);
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits.parse().ok().filter(|number: &i64| number.abs() < 1_000_000_000)
    }

    fn then(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?;
        Some(())
    }
}

/// The start of a day; what follows it is not looked at.
fn day(reader: &mut Reader<'_>) -> Option<i64> {
    let year = reader.number()?;
    reader.then('-')?;
    let month = reader.number()?;
    reader.then('-')?;
    let day = reader.number()?;
    // Months and days beyond the end of a year or month run over into the next one.
    let year = i32::try_from(year.checked_add((month - 1).div_euclid(12))?).ok()?;
    let start = NaiveDate::from_ymd_opt(year, 1, 1)?;
    let start = start.checked_add_months(Months::new((month - 1).rem_euclid(12) as u32))?;
    let date = start.checked_add_signed(Duration::try_days(day - 1)?)?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

fn moment(text: &str) -> Option<i64> {
    let mut reader = Reader(text);
    let day = day(&mut reader)?;
    reader.then('T')?;
    let hours = reader.number()?;
    reader.then(':')?;
    let minutes = reader.number()?;
    reader.then(':')?;
    let seconds = reader.number()?;
    reader.then('.')?;
    let millis = reader.number()?;
    let offset_minutes = zone(reader.0)?;
    Some(day + ((hours * 60 + minutes - offset_minutes) * 60 + seconds) * 1000 + millis)
}

/// Minutes east of Greenwich.
fn zone(text: &str) -> Option<i64> {
    const NAMES: [(&str, i64); 14] = [
        ("GMT", 0),
        ("UTC", 0),
        ("UT", 0),
        ("EST", -300),
        ("EDT", -240),
        ("CST", -360),
        ("CDT", -300),
        ("MST", -420),
        ("MDT", -360),
        ("PST", -480),
        ("PDT", -420),
        ("CET", 60),
        ("CEST", 120),
        ("JST", 540),
    ];
    let upper = text.to_ascii_uppercase();
    if let Some(rest) = upper.strip_prefix("GMT").filter(|rest| rest.starts_with(['+', '-'])) {
        return offset(rest);
    }
    if upper.starts_with(['+', '-']) {
        return offset(&upper);
    }
    let known = NAMES.iter().filter(|(name, _)| upper.starts_with(name)).max_by_key(|(name, _)| name.len());
    known.map(|(_, minutes)| *minutes)
}

/// `+h`, `+hh:mm` or `+hhmm`.
fn offset(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().take_while(|c| c.is_ascii_digit() || *c == ':').collect();
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours.parse::<i64>().ok()?, minutes.get(..2)?.parse::<i64>().ok()?),
        None if digits.len() >= 4 => (digits[..2].parse().ok()?, digits[2..4].parse().ok()?),
        None => (digits.parse().ok()?, 0),
    };
    Some(sign * (hours * 60 + minutes))
}
