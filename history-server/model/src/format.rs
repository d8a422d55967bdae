//! Numbers as Java and Spark print them.

/// A double as Java's `Double.toString` prints it.
pub fn java_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        let text = format!("{value}");
        return if text.contains('.') { text } else { text + ".0" };
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    if digits.contains('.') { format!("{digits}E{exponent}") } else { format!("{digits}.0E{exponent}") }
}

/// A whole number with commas between groups of three digits.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of tenths, with its fraction only where it has one.
pub fn grouped_tenths(tenths: i64) -> String {
    let sign = if tenths < 0 && tenths > -10 { "-" } else { "" };
    match tenths % 10 {
        0 => grouped(tenths / 10),
        rest => format!("{sign}{}.{}", grouped(tenths / 10), rest.abs()),
    }
}

/// A number with this many places behind the point, as Java's `%.nf` prints it: the shortest digits of the number, rounded half up.
pub fn fixed(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return java_double(value);
    }
    let text = format!("{}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(places)).collect();
    if fraction.as_bytes().get(places).is_some_and(|next| *next >= b'5') {
        round_up(&mut digits);
    }
    let point = digits.len() - places;
    let (whole, fraction) = digits.split_at(point);
    let mut printed = if value.is_sign_negative() { "-".to_owned() } else { String::new() };
    printed.extend(whole.iter().map(|digit| char::from(*digit)));
    if places > 0 {
        printed.push('.');
        printed.extend(fraction.iter().map(|digit| char::from(*digit)));
    }
    printed
}

fn round_up(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

const UNITS: [&str; 7] = ["EiB", "PiB", "TiB", "GiB", "MiB", "KiB", "B"];

/// A size as Spark shows it, such as `4.0 MiB`.
pub fn bytes(size_bytes: i64) -> String {
    let mut unit = 0;
    while unit < UNITS.len() - 1 && i128::from(size_bytes) < 2 << (10 * (UNITS.len() - 1 - unit)) {
        unit += 1;
    }
    let scale = (1u64 << (10 * (UNITS.len() - 1 - unit))) as f64;
    format!("{} {}", fixed(size_bytes as f64 / scale, 1), UNITS[unit])
}

/// A duration as SQL metrics show it, such as `35 ms` or `1.2 m`.
pub fn duration(millis: i64) -> String {
    let scaled = |unit: f32, places| fixed(f64::from(millis as f32 / unit), places);
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{} s", scaled(1_000.0, 1)),
        60_000..3_600_000 => format!("{} m", scaled(60_000.0, 1)),
        _ => format!("{} h", scaled(3_600_000.0, 2)),
    }
}

/// A duration as pages show it, such as `35 ms`, `1.2 min` or `3.4 h`.
pub fn ui_duration(millis: i64) -> String {
    if millis < 100 {
        return format!("{millis} ms");
    }
    let seconds = millis as f64 / 1_000.0;
    if seconds < 1.0 {
        return format!("{} s", fixed(seconds, 1));
    }
    if seconds < 60.0 {
        return format!("{} s", fixed(seconds, 0));
    }
    let minutes = seconds / 60.0;
    if minutes < 10.0 {
        return format!("{} min", fixed(minutes, 1));
    }
    if minutes < 60.0 {
        return format!("{} min", fixed(minutes, 0));
    }
    format!("{} h", fixed(minutes / 60.0, 1))
}
