//! How Java and Spark write options, times and switches.

/// The words of a line of Java options, as Spark's launcher parts them.
///
/// # Errors
/// When a quote is not closed.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    shlex::split(line).ok_or_else(|| "a quote in it is not closed".to_owned())
}

/// The key and value of `-Dkey=value`.
pub(super) fn system_property(word: &str) -> Option<(&str, &str)> {
    let property = word.strip_prefix("-D")?;
    Some(property.split_once('=').unwrap_or((property, "")))
}

/// The port of a Prometheus exporter among the JVM's agents: `-javaagent:…jmx_prometheus….jar=[HOST:]PORT:CONFIG`.
pub(super) fn metrics_port(word: &str) -> Option<u16> {
    let (jar, arguments) = word.strip_prefix("-javaagent:")?.split_once('=')?;
    if !jar.contains("jmx_prometheus") {
        return None;
    }
    arguments.split(':').take(2).find_map(|part| part.parse().ok())
}

/// A time as Spark reads it, a number with a unit or of seconds, as one that [`super::super::values::duration`] reads.
pub(super) fn time(text: &str) -> Result<String, String> {
    let wrong = || "write a number and a unit, such as 10s, 5m, 2h or 7d".to_owned();
    let text = text.trim().to_ascii_lowercase();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if number.is_empty() {
        return Err(wrong());
    }
    let unit = match unit {
        "us" | "ms" | "s" | "m" | "h" | "d" => unit,
        "" => "s",
        "min" => "m",
        _ => return Err(wrong()),
    };
    Ok(format!("{number}{unit}"))
}

/// A switch, as Scala reads it.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("there are true and false".to_owned()),
    }
}

/// The parts of a list with commas in between; empty ones are none.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}
